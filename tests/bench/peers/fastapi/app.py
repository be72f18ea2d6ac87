"""A GraphQL service on FastAPI and graphql-core as a careful team writes one by hand:
documents are parsed and validated once, each level of a nested read is one statement, and
rows reach the executor as the driver gives them. DRIVER is asyncpg or psycopg."""

import asyncio
import json
import os
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from fastapi import FastAPI, Request, Response
from graphql import build_ast_schema, execute, parse, validate
from graphql.execution.executors.asyncio import AsyncioExecutor

DSN, POOL, DRIVER = os.environ["DATABASE_URL"], int(os.environ["POOL"]), os.environ["DRIVER"]

schema = build_ast_schema(parse(
    """
    schema { query: Query mutation: Mutation }
    scalar BigInt
    scalar BigDecimal
    scalar DateTime
    enum Direction { ASC DESC }
    input UserOrder { id: Direction name: Direction }
    input PostOrder { id: Direction }
    input CommentOrder { id: Direction }
    input BooleanFilter { eq: Boolean }
    input BigDecimalFilter { gt: BigDecimal }
    input StringFilter { startswith: String }
    input UserFilter { isActive: BooleanFilter balance: BigDecimalFilter name: StringFilter }
    input CreateUser { name: String! email: String! }
    input UpdateUser { name: String }
    type User { id: BigInt! name: String! email: String! createdAt: DateTime!
                posts(orderBy: [PostOrder!], limit: Int): [Post!]! }
    type Post { id: BigInt! title: String! views: Int! createdAt: DateTime!
                comments(orderBy: [CommentOrder!], limit: Int): [Comment!]! }
    type Comment { id: BigInt! body: String! }
    type Query {
        user(id: BigInt!): User
        users(filter: UserFilter, orderBy: [UserOrder!], limit: Int): [User!]!
        posts(orderBy: [PostOrder!], limit: Int): [Post!]!
    }
    type Mutation {
        createUser(input: CreateUser!): User!
        updateUser(id: BigInt!, input: UpdateUser!): User
    }
    """
))
for name, of in (("DateTime", str), ("BigInt", int), ("BigDecimal", Decimal)):
    scalar = schema.get_type(name)
    scalar.serialize = (lambda v: v.isoformat()) if name == "DateTime" else (lambda v: v)
    scalar.parse_value = of
    scalar.parse_literal = lambda node, of=of: of(node.value)

USER = 'id, name, email, created_at as "createdAt"'
POST = 'id, title, views, created_at as "createdAt"'


class Asyncpg:
    async def open(self):
        import asyncpg

        self.pool = await asyncpg.create_pool(DSN, min_size=POOL, max_size=POOL)

    async def close(self):
        await self.pool.close()

    async def rows(self, sql, *args):
        return await self.pool.fetch(sql, *args)


class Psycopg:
    async def open(self):
        from psycopg.rows import dict_row
        from psycopg_pool import AsyncConnectionPool

        self.pool = AsyncConnectionPool(
            DSN, min_size=POOL, max_size=POOL, open=False,
            kwargs={"autocommit": True, "row_factory": dict_row, "prepare_threshold": 0},
        )
        await self.pool.open(wait=True)

    async def close(self):
        await self.pool.close()

    async def rows(self, sql, *args):
        for n in range(len(args), 0, -1):
            sql = sql.replace(f"${n}", "%s")
        async with self.pool.connection() as conn:
            cursor = await conn.execute(sql, args)
            return await cursor.fetchall()


db = Asyncpg() if DRIVER == "asyncpg" else Psycopg()


class Children:
    """Collects the keys of a level and reads them by one statement."""

    def __init__(self, sql, key):
        self.sql, self.key, self.wanted, self.task = sql, key, {}, None

    async def of(self, key, limit):
        self.wanted[key] = []
        if self.task is None:
            self.task = asyncio.ensure_future(self.read(limit))
        task = self.task
        await task
        return task.result()[key]

    async def read(self, limit):
        await asyncio.sleep(0)  # the others of the level say what they want
        found, self.wanted, self.task = self.wanted, {}, None
        for row in await db.rows(self.sql, list(found), limit):
            found[row[self.key]].append(row)
        return found


def loaders():
    return {
        "posts": Children(
            """select p.* from unnest($1::int8[]) with ordinality as k (id, n) join lateral
            (select author_id, id, title from posts where author_id = k.id order by id limit $2) as p on true order by k.n, p.id""",
            "author_id",
        ),
        "comments": Children(
            """select c.* from unnest($1::int8[]) with ordinality as k (id, n) join lateral
            (select post_id, id, body from comments where post_id = k.id order by id limit $2) as c on true order by k.n, c.id""",
            "post_id",
        ),
    }


def order(items):
    parts = [f"{column} {direction}" for item in items or [] for column, direction in item.items()]
    if parts and not any(p.startswith("id ") for p in parts):
        parts.append("id")
    return " order by " + ", ".join(parts) if parts else ""


def limited(limit):
    return f" limit {limit}" if limit is not None else ""


async def user(_, info, id):
    rows = await db.rows(f"select {USER} from users where id = $1", id)
    return rows[0] if rows else None


async def users(_, info, filter=None, orderBy=None, limit=None):
    terms, args = [], []
    for column, expression in (("isActive", "is_active = $"), ("balance", "balance > $"), ("name", "name like $")):
        for value in ((filter or {}).get(column) or {}).values():
            args.append(value + "%" if column == "name" else value)
            terms.append(expression + str(len(args)))
    where = " where " + " and ".join(terms) if terms else ""
    return await db.rows(f"select {USER} from users{where}{order(orderBy)}{limited(limit)}", *args)


async def posts(_, info, orderBy=None, limit=None):
    return await db.rows(f"select {POST} from posts{order(orderBy)}{limited(limit)}")


async def create_user(_, info, input):
    return (await db.rows(f"insert into users (name, email) values ($1, $2) returning {USER}", input["name"], input["email"]))[0]


async def update_user(_, info, id, input):
    rows = await db.rows(f"update users set name = $1 where id = $2 returning {USER}", input["name"], id)
    return rows[0] if rows else None


query, mutation = schema.get_query_type().fields, schema.get_mutation_type().fields
query["user"].resolver, query["users"].resolver, query["posts"].resolver = user, users, posts
mutation["createUser"].resolver, mutation["updateUser"].resolver = create_user, update_user
schema.get_type("User").fields["posts"].resolver = lambda u, info, orderBy=None, limit=None: info.context["posts"].of(u["id"], limit)
schema.get_type("Post").fields["comments"].resolver = lambda p, info, orderBy=None, limit=None: info.context["comments"].of(p["id"], limit)


def field(source, info):
    return source[info.field_name]


for kind in ("User", "Post", "Comment"):
    for name, f in schema.get_type(kind).fields.items():
        f.resolver = f.resolver or field


@lru_cache(maxsize=1000)
def document(text):
    parsed = parse(text)
    return parsed, validate(schema, parsed)


def plain(value):
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"no JSON of {type(value)}")


@asynccontextmanager
async def pool():
    await db.open()
    yield
    await db.close()


app = FastAPI(openapi_url=None)
running = pool()
app.add_event_handler("startup", running.__aenter__)
app.add_event_handler("shutdown", lambda: running.__aexit__(None, None, None))


@app.post("/graphql")
async def graphql(request: Request):
    body = json.loads(await request.body())
    parsed, errors = document(body["query"])
    if errors:
        return Response(json.dumps({"errors": [str(e) for e in errors]}), media_type="application/json", status_code=400)
    result = await execute(
        schema, parsed, context_value=loaders(), variable_values=body.get("variables"),
        executor=AsyncioExecutor(loop=asyncio.get_running_loop()), return_promise=True,
    )
    answer = {"data": result.data}
    if result.errors:
        answer["errors"] = [str(e) for e in result.errors]
    return Response(json.dumps(answer, separators=(",", ":"), ensure_ascii=False, default=plain), media_type="application/json")
