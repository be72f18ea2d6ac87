-- Rows for the tables of the sample application.
--
-- Deterministic on every server: each value is a function of the row number,
-- through 32 bytes of SHA-256 (h). A seeded random() would not do: PostgreSQL
-- 15 changed its generator. The numbers of rows are settings of the session:
-- sample.users, sample.posts, sample.comments. Parts are divided by "-- part".

-- part: helpers
SET LOCAL jit = off; -- compiling each of these statements costs more than running it
CREATE FUNCTION pg_temp.rows_of(kind text) RETURNS integer LANGUAGE sql STABLE AS
    $$ SELECT current_setting('sample.' || kind)::integer $$;
-- Number k of the row, below 2^24: the three bytes of h from 3k on, k < 10.
CREATE FUNCTION pg_temp.num(h bytea, k integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
    $$ SELECT (get_byte(h, k * 3) << 16) + (get_byte(h, k * 3 + 1) << 8) + get_byte(h, k * 3 + 2) $$;
CREATE TEMP TABLE words ON COMMIT DROP AS SELECT
    ARRAY['Ada','Grace','Alan','Edsger','Barbara','Donald','Frances','Ken','Margaret','Dennis','Radia','Niklaus','Zoë','Łukasz','José','Søren','Amélie','Jürgen','Nuñez','Åsa','Björn','Chloé','Ибрагим','美咲','אורי','Priya','Kwame','Linh','O''Brien','Fatima','Mateo','Ingrid'] AS given,
    ARRAY['ada','grace','alan','edsger','barbara','donald','frances','ken','margaret','dennis','radia','niklaus','zoe','lukasz','jose','soren','amelie','juergen','nunez','asa','bjoern','chloe','ibragim','misaki','ori','priya','kwame','linh','obrien','fatima','mateo','ingrid'] AS given_ascii,
    ARRAY['Lovelace','Hopper','Turing','Dijkstra','Liskov','Knuth','Allen','Thompson','Hamilton','Ritchie','Perlman','Wirth','Codd','Boyce','Gray','Stonebraker','Date','Chamberlin','Bachman','Astrahan','Selinger','Lamport','Backus','Kay','Hoare','Milner','Naur','Perlis','Wilkes','Tarjan','Karp','Rabin'] AS family,
    ARRAY['example.com','example.org','example.net','mail.example','corp.example','school.example'] AS domains,
    ARRAY['sql','go','postgres','json','graphql','testing','drivers','performance','security','indexes','streaming','parity'] AS tags,
    ARRAY['Lisbon','Kraków','Nairobi','São Paulo','Hà Nội','Reykjavík','Lyon','Osaka'] AS cities,
    ARRAY['PT','PL','KE','BR','VN','IS','FR','JP'] AS countries,
    ARRAY['A migration is finished when nobody can tell which driver answered.','Indexes are read far more often than they are planned.','"Quoted" text, a backslash \ and a tab	are all just characters.','Every null is a question that was not asked.','The planner knows more about your data than you do.','Rows have no order until you give them one.','Naïve code counts bytes; careful code counts characters – 文字.','A transaction is a promise with a time limit.','Numbers such as 0.1 want numeric, not float.','Time zones are politics; store UTC.','Two answers that agree may both be wrong, but rarely in the same way.','Measure first, then measure again after lunch.','100% of the percentages in this text are made up.','An underscore _ is a wildcard only where LIKE says so.','Streams end; the good ones say how.','Cursors point forward, offsets count from the start every time.'] AS sentences,
    ARRAY['Notes on','A short history of','Against','In praise of','Debugging','Measuring','The limits of','Ten years of'] AS openings,
    ARRAY['connection pools','partial indexes','JSON columns','snapshot isolation','prepared statements','time zones','foreign keys','large results','full text search','null values','binary formats','soft deletes'] AS topics,
    ARRAY['Keyboard','Notebook','Cable, 2 m','Café filter','Desk lamp','Monitor 27"','Backpack','Headphones','Pen (blue)','Webcam'] AS products;

-- part: users
INSERT INTO users (id, name, email, role, is_active, birth_date, balance, tags, profile, address, manager_id, created_at, updated_at)
SELECT n,
       w.given[1 + g] || ' ' || w.family[1 + f],
       w.given_ascii[1 + g] || '.' || lower(w.family[1 + f]) || n || '@' || w.domains[1 + pg_temp.num(h, 1) % 6],
       CASE WHEN n = 1 THEN 'admin' WHEN pg_temp.num(h, 2) % 50 = 0 THEN 'moderator' WHEN pg_temp.num(h, 2) % 10 = 1 THEN 'guest' ELSE 'member' END::user_role,
       n <= 2 OR pg_temp.num(h, 3) % 5 <> 0,
       CASE WHEN n % 7 <> 0 THEN date '1950-01-01' + pg_temp.num(h, 3) % 20000 END,
       (pg_temp.num(h, 4) % 1000000 - 50000) / 100.0,
       w.tags[1 + n % 12 : n % 12 + pg_temp.num(h, 5) % 4],
       jsonb_build_object(
           'theme', CASE n % 3 WHEN 0 THEN 'dark' ELSE 'light' END,
           'logins', pg_temp.num(h, 5) % 500,
           'newsletter', n % 4 = 0,
           'last_ip', CASE WHEN n % 5 <> 0 THEN '192.0.2.' || n % 256 END,
           'contact', jsonb_build_object('phone', '+351 21 ' || lpad((pg_temp.num(h, 6) % 10000000)::text, 7, '0'), 'languages', jsonb_build_array('en', lower(w.countries[1 + n % 8])))),
       CASE WHEN n % 6 <> 0 THEN ROW((1 + n % 200) || ' Main Street', w.cities[1 + n % 8], lpad((pg_temp.num(h, 7) % 100000)::text, 5, '0'), w.countries[1 + n % 8])::postal_address END,
       CASE WHEN n > 1 AND n % 40 <> 0 THEN 1 + pg_temp.num(h, 8) % greatest((n - 1) / 6, 1) END,
       t, t + make_interval(secs => pg_temp.num(h, 9) % 5000000)
FROM words w, generate_series(1, pg_temp.rows_of('users')) n,
     LATERAL (SELECT sha256(('user ' || n)::bytea) AS h OFFSET 0) x,
     LATERAL (SELECT CASE WHEN n <= 32 THEN n - 1 ELSE pg_temp.num(h, 0) % 32 END AS g, CASE WHEN n <= 32 THEN n - 1 ELSE pg_temp.num(h, 7) % 32 END AS f,
                     timestamptz '2024-01-01 08:00:00+00' + (n - 1) * (interval '700 days' / pg_temp.rows_of('users')) AS t OFFSET 0) y;

-- part: tags
INSERT INTO tags (name, color)
SELECT name, CASE WHEN i % 4 <> 0 THEN '#' || lpad(to_hex((i * 1234567) % 16777216), 6, '0') END
FROM words, unnest(tags) WITH ORDINALITY AS u (name, i);

-- part: posts
INSERT INTO posts (id, author_id, title, slug, body, status, views, rating, tags, metadata, published_at, created_at, updated_at)
SELECT n, author, title,
       trim(both '-' from regexp_replace(lower(title), '[^a-z0-9]+', '-', 'g')) || '-' || n,
       concat_ws(' ', w.sentences[1 + pg_temp.num(h, 2) % 16], w.sentences[1 + pg_temp.num(h, 3) % 16], w.sentences[1 + pg_temp.num(h, 4) % 16],
           CASE WHEN n % 2 = 0 THEN E'\n\n' || w.sentences[1 + pg_temp.num(h, 5) % 16] || ' ' || w.sentences[1 + pg_temp.num(h, 6) % 16] END),
       status,
       CASE WHEN status = 'published' THEN pg_temp.num(h, 7) % 20000 ELSE 0 END,
       CASE WHEN n % 3 <> 0 THEN (pg_temp.num(h, 8) % 50) / 10.0 END,
       (ARRAY[w.tags[1 + (n + 1) % 12], w.tags[1 + (n + 4) % 12], w.tags[1 + (n + 9) % 12]])[1 : n % 4],
       jsonb_build_object('source', (ARRAY['web','api','import'])[1 + n % 3], 'reading_minutes', 1 + n % 9, 'score', round((pg_temp.num(h, 8) % 1000) / 37.0, 3),
           'flags', jsonb_build_object('featured', n % 10 = 0, 'sponsored', n % 25 = 0)) ||
           CASE WHEN n % 8 = 0 THEN jsonb_build_object('series', jsonb_build_object('name', 'Series ' || n % 5, 'part', n % 12)) ELSE '{}' END,
       CASE WHEN status IN ('published', 'archived') THEN t + interval '2 hours' END,
       t, t + make_interval(mins => pg_temp.num(h, 9) % 10000)
FROM words w, generate_series(1, pg_temp.rows_of('posts')) n,
     LATERAL (SELECT sha256(('post ' || n)::bytea) AS h OFFSET 0) x,
     LATERAL (SELECT w.openings[1 + pg_temp.num(h, 0) % 8] || ' ' || w.topics[1 + pg_temp.num(h, 1) % 12] AS title,
                     -- The square makes some authors far more productive than others.
                     1 + floor(pg_temp.rows_of('users') * (pg_temp.num(h, 2) / 16777216.0) ^ 2)::bigint AS author,
                     (CASE WHEN pg_temp.num(h, 3) % 10 < 7 THEN 'published' ELSE (ARRAY['draft','review','archived'])[1 + pg_temp.num(h, 4) % 3] END)::post_status AS status,
                     timestamptz '2024-01-02 00:00:00+00' + (n - 1) * (interval '720 days' / pg_temp.rows_of('posts')) AS t OFFSET 0) y;

-- part: post_tags
INSERT INTO post_tags (post_id, tag_id, position)
SELECT p.id, t.id, u.position
FROM posts p, unnest(p.tags) WITH ORDINALITY AS u (name, position) JOIN tags t USING (name);

-- part: comments
INSERT INTO comments (id, post_id, author_id, parent_id, body, upvotes, created_at)
SELECT n, post_id, 1 + pg_temp.num(h, 1) % pg_temp.rows_of('users'),
       -- Comment n and comment n - posts belong to the same post.
       CASE WHEN n > pg_temp.rows_of('posts') AND pg_temp.num(h, 2) % 3 = 0 THEN n - pg_temp.rows_of('posts') END,
       w.sentences[1 + pg_temp.num(h, 3) % 16],
       pg_temp.num(h, 4) % 40 - 5,
       timestamptz '2024-01-03 00:00:00+00' + (n - 1) * (interval '720 days' / pg_temp.rows_of('comments'))
FROM words w, generate_series(1, pg_temp.rows_of('comments')) n,
     LATERAL (SELECT sha256(('comment ' || n)::bytea) AS h, 1 + (n - 1) % pg_temp.rows_of('posts') AS post_id OFFSET 0) x;

-- part: orders
CREATE TEMP TABLE drafts ON COMMIT DROP AS
SELECT n, h, encode(substr(h, 1, 16), 'hex')::uuid AS id,
       (ARRAY['cart','paid','shipped','delivered','delivered','returned'])[1 + pg_temp.num(h, 6) % 6]::order_status AS status,
       timestamptz '2024-02-01 00:00:00+00' + make_interval(secs => pg_temp.num(h, 7) % 60000000) AS placed_at
FROM generate_series(1, 2 * pg_temp.rows_of('users')) n, LATERAL (SELECT sha256(('order ' || n)::bytea) AS h OFFSET 0) x;
INSERT INTO orders (id, user_id, status, currency, placed_at, shipped_on)
SELECT id, 1 + pg_temp.num(h, 8) % pg_temp.rows_of('users'), status, (ARRAY['EUR','EUR','USD','JPY'])[1 + n % 4], placed_at,
       CASE WHEN status IN ('shipped', 'delivered', 'returned') THEN (placed_at AT TIME ZONE 'UTC')::date + 2 END
FROM drafts;
INSERT INTO order_items (order_id, line, product, quantity, unit_price)
SELECT id, line, w.products[1 + (pg_temp.num(h, 9) + line) % 10], 1 + (pg_temp.num(h, 5) >> line) % 5, (100 + (pg_temp.num(h, line) % 50000)) / 100.0
FROM words w, drafts d, generate_series(1, 1 + d.n % 4) line;
UPDATE orders o SET total = s.total
FROM (SELECT order_id, sum(quantity * unit_price) AS total FROM order_items GROUP BY order_id) s
WHERE s.order_id = o.id;

-- part: events
INSERT INTO events (id, occurred_at, user_id, kind, payload)
SELECT n, timestamptz '2023-12-01 00:00:00+00' + (n - 1) * (interval '800 days' / pg_temp.rows_of('posts')),
       CASE WHEN n % 9 <> 0 THEN 1 + pg_temp.num(h, 0) % pg_temp.rows_of('users') END,
       (ARRAY['login','logout','view','purchase','error'])[1 + pg_temp.num(h, 1) % 5],
       jsonb_build_object('n', n, 'ms', pg_temp.num(h, 2) % 3000)
FROM generate_series(1, pg_temp.rows_of('posts')) n, LATERAL (SELECT sha256(('event ' || n)::bytea) AS h OFFSET 0) x;

-- part: indexes
CREATE INDEX users_manager ON users (manager_id);
CREATE INDEX users_domain ON users (email_domain);
CREATE INDEX users_profile ON users USING gin (profile);
CREATE INDEX posts_author ON posts (author_id, id);
CREATE INDEX posts_published ON posts (published_at DESC, id) WHERE status = 'published';
CREATE INDEX posts_tags ON posts USING gin (tags);
CREATE INDEX posts_search ON posts USING gin (search);
CREATE INDEX comments_post ON comments (post_id, id);
CREATE INDEX comments_author ON comments (author_id);
CREATE INDEX comments_parent ON comments (parent_id);
CREATE INDEX post_tags_tag ON post_tags (tag_id);
CREATE INDEX orders_user ON orders (user_id, placed_at);
CREATE INDEX events_user ON events (user_id);
REFRESH MATERIALIZED VIEW monthly_sales;
CREATE UNIQUE INDEX monthly_sales_key ON monthly_sales (month, currency);
DO $$
DECLARE
    name text;
BEGIN
    -- Rows were inserted with their keys; new ones continue after them.
    FOREACH name IN ARRAY ARRAY['users', 'posts', 'comments', 'events'] LOOP
        EXECUTE format('SELECT setval(pg_get_serial_sequence(%L, ''id''), (SELECT greatest(max(id), 1) FROM %I))', name, name);
    END LOOP;
END $$;

-- part: statistics
ANALYZE users, posts, comments, tags, post_tags, orders, order_items, events, monthly_sales, all_types;
