// What the checks know of the schema: the names of fields and arguments. Types
// of variables are read from the server, so that no check depends on what an
// input type or the scalar of a key is called.
import assert from 'node:assert/strict';

import { buildClientSchema, getIntrospectionQuery } from 'graphql';

// post sends one request, without any client in between.
export async function post(url, query, variables) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'application/graphql-response+json, application/json;q=0.9', 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`the server answered ${response.status}, and not in JSON: ${text.slice(0, 200)}`);
  }
  return { status: response.status, ...answer };
}

// data is the data of an answer without errors.
export async function data(url, query, variables) {
  const { status, data: result, errors } = await post(url, query, variables);
  assert.equal(errors, undefined, `the server answered ${status}: ${JSON.stringify(errors)}`);
  return result;
}

// introspect reads the schema, and fails if it is not that of the sample database.
export async function introspect(url) {
  const schema = buildClientSchema(await data(url, getIntrospectionQuery({ inputValueDeprecation: true })));
  const need = {
    Query: ['user', 'users', 'usersConnection'],
    Mutation: ['createUser', 'updateUser', 'deleteUser'],
    User: ['id', 'name', 'email'],
  };
  for (const [type, fields] of Object.entries(need))
    for (const field of fields) if (!schema.getType(type)?.getFields()[field]) throw new Error(`the schema has no ${type}.${field}`);
  return schema;
}

// argument is the type of the argument of a field, as it is written in a document.
export function argument(schema, type, field, name) {
  const found = schema.getType(type).getFields()[field].args.find((a) => a.name === name);
  assert.ok(found, `${type}.${field} has no argument ${name}`);
  return String(found.type);
}

// documents are the operations that the checks of caches and of generated types share.
export function documents(schema) {
  const type = (root, field, name) => argument(schema, root, field, name);
  return {
    user: `query UserById($id: ${type('Query', 'user', 'id')}) { user(id: $id) { id name email } }`,
    users: `query UserPage($limit: ${type('Query', 'users', 'limit')}, $offset: ${type('Query', 'users', 'offset')}) {
      users(limit: $limit, offset: $offset) { id name email } }`,
    create: `mutation Create($input: ${type('Mutation', 'createUser', 'input')}) { createUser(input: $input) { id name email } }`,
    update: `mutation Update($id: ${type('Mutation', 'updateUser', 'id')}, $input: ${type('Mutation', 'updateUser', 'input')}) {
      updateUser(id: $id, input: $input) { id name } }`,
    delete: `mutation Delete($id: ${type('Mutation', 'deleteUser', 'id')}) { deleteUser(id: $id) { success } }`,
  };
}

// withUser makes a user for fn, and deletes it in the end, whatever happens.
export async function withUser({ url, schema }, fn) {
  const doc = documents(schema);
  const email = `client-${process.pid}-${Date.now()}@example.com`;
  const { createUser } = await data(url, doc.create, { input: { name: 'Before', email } });
  try {
    return await fn(createUser);
  } finally {
    const { deleteUser } = await data(url, doc.delete, { id: createUser.id });
    assert.equal(deleteUser.success, true, 'deleteUser says that it did nothing');
  }
}

// counting is a fetch that counts what it sends.
export function counting() {
  const counted = (...args) => {
    counted.requests++;
    return fetch(...args);
  };
  counted.requests = 0;
  return counted;
}
