// graphql-request: variables, and errors with their codes.
import assert from 'node:assert/strict';

import { ClientError, GraphQLClient } from 'graphql-request';

import { documents, withUser } from '../schema.mjs';

export default async function ({ url, schema, check }) {
  const client = new GraphQLClient(url);
  const doc = documents(schema);
  await withUser({ url, schema }, async (user) => {
    await check('a query with variables', async () => {
      assert.deepEqual(await client.request(doc.user, { id: user.id }), { user });
    });
    await check('a list with variables', async () => {
      const { users } = await client.request(doc.users, { limit: 3, offset: 1 });
      assert.equal(users.length, 3);
    });
    await check('a mutation', async () => {
      const { updateUser } = await client.request(doc.update, { id: user.id, input: { name: 'After' } });
      assert.deepEqual(updateUser, { id: user.id, name: 'After' });
    });
    await check('the code of a refused document', () =>
      assert.rejects(client.request('{ users { nothing } }'), (error) => {
        assert.ok(error instanceof ClientError, String(error));
        const [first] = error.response.errors;
        assert.equal(typeof first.extensions?.code, 'string', 'the error has no extensions.code');
        assert.ok(first.locations?.[0]?.line >= 1, 'the error has no location');
        return true;
      }),
    );
    await check('the error of a variable of the wrong type', () =>
      assert.rejects(client.request(doc.users, { limit: 'three' }), ClientError),
    );
  });
}
