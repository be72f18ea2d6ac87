// Apollo Client: the normalised cache.
import assert from 'node:assert/strict';

import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';

import { counting, documents, withUser } from '../schema.mjs';

export default async function ({ url, schema, check }) {
  const doc = documents(schema);
  const fetch = counting();
  const client = new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: url, fetch }) });
  await withUser({ url, schema }, async (user) => {
    const query = gql(doc.user);
    const variables = { id: user.id };
    await check('a query with variables, then the same from the cache', async () => {
      const first = await client.query({ query, variables });
      assert.equal(first.data.user.name, user.name);
      assert.equal(first.data.user.__typename, 'User');
      await client.query({ query, variables });
      assert.equal(fetch.requests, 1, 'the second query went to the server');
    });
    await check('the answer is kept by type and id', () => {
      const id = client.cache.identify({ __typename: 'User', id: user.id });
      assert.ok(client.cache.extract()[id], `the cache has no ${id}`);
    });
    await check('a mutation changes what a query sees', async () => {
      const before = fetch.requests;
      await client.mutate({ mutation: gql(doc.update), variables: { id: user.id, input: { name: 'After' } } });
      const { user: now } = client.readQuery({ query, variables });
      assert.equal(now.name, 'After');
      assert.equal(now.email, user.email, 'what the mutation did not ask for is lost');
      assert.equal(fetch.requests, before + 1, 'more than the mutation went to the server');
    });
    await check('other variables are another entry', async () => {
      const before = fetch.requests;
      const pages = [];
      for (const offset of [0, 2]) pages.push((await client.query({ query: gql(doc.users), variables: { limit: 2, offset } })).data.users);
      assert.equal(fetch.requests, before + 2);
      assert.equal(new Set(pages.flat().map((u) => u.id)).size, 4);
    });
  });
  client.stop();
}
