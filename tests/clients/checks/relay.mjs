// The Relay connection specification, and the walk of a client through all pages.
import assert from 'node:assert/strict';

import { argument, data, post } from '../schema.mjs';

export default async function ({ url, schema, check }) {
  const arg = (name) => argument(schema, 'Query', 'usersConnection', name);
  const document = `query Page($first: ${arg('first')}, $after: ${arg('after')}, $last: ${arg('last')}, $before: ${arg('before')}) {
    usersConnection(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;
  const page = async (variables) => (await data(url, document, variables)).usersConnection;

  await check('the shape of the types', () => {
    const field = (type, name) => {
      const found = schema.getType(type)?.getFields()[name];
      assert.ok(found, `there is no ${type}.${name}`);
      return String(found.type);
    };
    assert.equal(field('PageInfo', 'hasNextPage'), 'Boolean!');
    assert.equal(field('PageInfo', 'hasPreviousPage'), 'Boolean!');
    assert.match(field('PageInfo', 'startCursor'), /^\w+$/, 'startCursor is null where there are no edges');
    assert.match(field('PageInfo', 'endCursor'), /^\w+$/, 'endCursor is null where there are no edges');
    const connection = field('Query', 'usersConnection').replaceAll(/[[\]!]/g, '');
    assert.match(connection, /Connection$/);
    assert.equal(field(connection, 'pageInfo'), 'PageInfo!');
    const edge = field(connection, 'edges').replaceAll(/[[\]!]/g, '');
    assert.match(edge, /Edge$/);
    assert.match(field(edge, 'node'), /^User!?$/);
    assert.match(field(edge, 'cursor'), /^\w+!$/);
    assert.equal(arg('first'), 'Int');
    assert.equal(arg('last'), 'Int');
  });

  const { totalCount: total } = await page({ first: 1 });
  const size = Math.min(Math.max(2, Math.ceil(total / 7)), 100);

  const forward = await check(`forwards through all ${total}, ${size} at a time`, async () => {
    const edges = [];
    for (let after; ; ) {
      const { edges: got, pageInfo, totalCount } = await page({ first: size, after });
      assert.equal(totalCount, total, 'totalCount changes from page to page');
      edges.push(...got);
      checkInfo(got, pageInfo);
      const more = edges.length < total;
      assert.equal(pageInfo.hasNextPage, more, `hasNextPage after ${edges.length} of ${total}`);
      if (!more) break;
      assert.equal(got.length, size, 'a page before the last is not full');
      after = pageInfo.endCursor;
    }
    assert.equal(edges.length, total);
    assert.equal(new Set(edges.map((e) => e.node.id)).size, total, 'a node came twice');
    assert.equal(new Set(edges.map((e) => e.cursor)).size, total, 'two edges have one cursor');
    return edges.map((e) => e.node.id);
  });

  await check('backwards through all, each page in the order of the whole', async () => {
    const ids = [];
    for (let before; ; ) {
      const { edges, pageInfo } = await page({ last: size, before });
      ids.unshift(...edges.map((e) => e.node.id));
      checkInfo(edges, pageInfo);
      const more = ids.length < total;
      assert.equal(pageInfo.hasPreviousPage, more, `hasPreviousPage after ${ids.length} of ${total}`);
      if (!more) break;
      before = pageInfo.startCursor;
    }
    assert.deepEqual(ids, forward);
  });

  await check('exactly the last page has nothing after it', async () => {
    const last = await page({ last: 1 });
    const past = await page({ first: size, after: last.pageInfo.endCursor });
    assert.deepEqual(past.edges, []);
    assert.equal(past.pageInfo.hasNextPage, false);
    assert.equal(past.pageInfo.startCursor, null);
    assert.equal(past.pageInfo.endCursor, null);
  });

  await check('first: 0 is an empty page', async () => {
    const { edges, totalCount } = await page({ first: 0 });
    assert.deepEqual(edges, []);
    assert.equal(totalCount, total);
  });

  for (const [what, variables] of [
    ['a negative first', { first: -1 }],
    ['a negative last', { last: -1 }],
    ['a cursor that no one gave out', { first: 1, after: 'bm9uc2Vuc2U=' }],
  ]) {
    await check(`${what} is refused`, async () => {
      const { errors } = await post(url, document, variables);
      assert.ok(errors?.length > 0, 'there is no error');
      assert.equal(typeof errors[0].extensions?.code, 'string', 'the error has no extensions.code');
    });
  }
}

// checkInfo holds the cursors of a page to its edges.
function checkInfo(edges, { startCursor, endCursor }) {
  assert.equal(startCursor, edges.at(0)?.cursor ?? null);
  assert.equal(endCursor, edges.at(-1)?.cursor ?? null);
}
