// urql with Graphcache, which knows the schema: the normalised cache.
import assert from 'node:assert/strict';

import { Client, fetchExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { introspectionFromSchema } from 'graphql';

import { counting, documents, withUser } from '../schema.mjs';

export default async function ({ url, schema, check }) {
  const doc = documents(schema);
  const fetch = counting();
  const client = new Client({
    url,
    fetch,
    preferGetMethod: false,
    exchanges: [cacheExchange({ schema: introspectionFromSchema(schema) }), fetchExchange],
  });
  const done = ({ data, error }) => {
    if (error) throw error;
    return data;
  };
  await withUser({ url, schema }, async (user) => {
    const variables = { id: user.id };
    await check('a query with variables, then the same from the cache', async () => {
      const first = done(await client.query(doc.user, variables).toPromise());
      assert.equal(first.user.name, user.name);
      done(await client.query(doc.user, variables).toPromise());
      assert.equal(fetch.requests, 1, 'the second query went to the server');
    });
    await check('a mutation tells a query that is listened to', async () => {
      const before = fetch.requests;
      const seen = [];
      const { unsubscribe } = client.query(doc.user, variables).subscribe((result) => seen.push(done(result).user));
      done(await client.mutation(doc.update, { id: user.id, input: { name: 'After' } }).toPromise());
      // Graphcache tells its listeners in a microtask after the result.
      await new Promise((resolve) => setImmediate(resolve));
      unsubscribe();
      assert.equal(seen.at(-1)?.name, 'After');
      assert.equal(seen.at(-1)?.email, user.email);
      assert.equal(fetch.requests, before + 1, 'more than the mutation went to the server');
    });
    await check('GET, as urql sends short queries', async () => {
      const get = new Client({ url, fetch, preferGetMethod: 'force', exchanges: [fetchExchange] });
      assert.equal(done(await get.query(doc.user, variables).toPromise()).user.id, user.id);
    });
  });
}
