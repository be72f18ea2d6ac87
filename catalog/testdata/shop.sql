-- Every kind of object that the catalog reads. Loaded by load_test.go.
CREATE SCHEMA shop;
CREATE SCHEMA "odd.schema ""x""";
CREATE SCHEMA hidden;

CREATE FUNCTION shop.tick() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';
CREATE FUNCTION shop.fixed() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';

CREATE TYPE shop.mood AS ENUM ('ok', 'it''s "fine"', 'ünïcödé', '');
ALTER TYPE shop.mood ADD VALUE 'first' BEFORE 'ok';
COMMENT ON TYPE shop.mood IS 'how one feels';
CREATE DOMAIN shop.email AS varchar(100) NOT NULL CHECK (value LIKE '%@%');
CREATE DOMAIN shop.work_email AS shop.email DEFAULT 'a@b' CHECK (value LIKE '%.com');
CREATE DOMAIN shop.stamp AS timestamptz DEFAULT now();
CREATE DOMAIN shop.tags AS text[];
CREATE TYPE shop.point3 AS (x float8, y float8, "Z.z" int);
ALTER TYPE shop.point3 DROP ATTRIBUTE y;
CREATE TYPE shop.span AS RANGE (subtype = date, multirange_type_name = shop.spans);

CREATE TABLE shop.account (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  gone text,
  user_name text NOT NULL DEFAULT 'nobody',
  "email" shop.work_email,
  raw_email shop.email,
  emails shop.email[],
  mood shop.mood DEFAULT 'ok',
  seen shop.stamp,
  made timestamptz NOT NULL DEFAULT now(),
  made_too timestamptz DEFAULT current_timestamp,
  tick int DEFAULT shop.tick(),
  fixed int DEFAULT shop.fixed() + 1,
  late date DEFAULT ('now'::text)::date,
  token uuid DEFAULT gen_random_uuid(),
  seq int,
  code varchar(3) COLLATE "C",
  price numeric(10,2),
  fixed_char char(4),
  bits bit(3),
  at3 timestamp(3) with time zone,
  words varchar(5)[],
  place shop.point3,
  during shop.span,
  spans shop.spans,
  labels shop.tags,
  upper_name text GENERATED ALWAYS AS (upper(user_name)) STORED,
  _private int,
  "select" int,
  "we""ird. näme" int,
  abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk int
);
ALTER TABLE shop.account DROP COLUMN gone;
CREATE SEQUENCE shop.account_seq;
ALTER TABLE shop.account ALTER COLUMN seq SET DEFAULT nextval('shop.account_seq');
COMMENT ON TABLE shop.account IS 'people';
COMMENT ON COLUMN shop.account.user_name IS 'what to call them';
ALTER TABLE shop.account ADD CONSTRAINT account_code_key UNIQUE (code) DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX account_lower ON shop.account (lower(user_name), code);
CREATE UNIQUE INDEX account_partial ON shop.account (user_name) WHERE mood = 'ok';
CREATE UNIQUE INDEX account_nnd ON shop.account (token) INCLUDE (made) NULLS NOT DISTINCT;
CREATE INDEX account_plain ON shop.account (made);
ALTER TABLE shop.account ENABLE ROW LEVEL SECURITY;
ALTER TABLE shop.account FORCE ROW LEVEL SECURITY;

CREATE FUNCTION shop.trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER a BEFORE INSERT OR UPDATE ON shop.account FOR EACH ROW EXECUTE FUNCTION shop.trig();
CREATE TRIGGER b AFTER DELETE ON shop.account FOR EACH ROW EXECUTE FUNCTION shop.trig();
CREATE TRIGGER c BEFORE DELETE ON shop.account FOR EACH ROW EXECUTE FUNCTION shop.trig();
ALTER TABLE shop.account DISABLE TRIGGER c;

CREATE TABLE shop.tree (
  a int, b int, up_a int, up_b int,
  PRIMARY KEY (b, a),
  CONSTRAINT tree_up FOREIGN KEY (up_a, up_b) REFERENCES shop.tree (a, b) ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE TABLE public.profile (
  account_id bigint NOT NULL UNIQUE REFERENCES shop.account ON DELETE CASCADE,
  friend bigint REFERENCES shop.account ON DELETE RESTRICT
);
CREATE TABLE shop.event (id int, at date NOT NULL, account bigint REFERENCES shop.account, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE shop.event_2024 PARTITION OF shop.event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE shop.note (event_id int, event_at date, FOREIGN KEY (event_id, event_at) REFERENCES shop.event);

CREATE VIEW shop.simple_view AS SELECT id, user_name, upper(user_name) AS loud FROM shop.account;
CREATE VIEW shop.sum_view AS SELECT mood, count(*) AS n FROM shop.account GROUP BY mood;
CREATE VIEW shop.trigger_view AS SELECT 1 AS one;
CREATE TRIGGER i INSTEAD OF INSERT ON shop.trigger_view FOR EACH ROW EXECUTE FUNCTION shop.trig();
CREATE MATERIALIZED VIEW shop.stored_view AS SELECT 1 AS one;
CREATE EXTENSION file_fdw SCHEMA shop;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE shop.foreign_table (id int) SERVER files OPTIONS (filename '/nowhere');

CREATE TABLE "odd.schema ""x"""."ta.ble ""q""" ("group" int PRIMARY KEY);
CREATE TABLE shop.same (in_shop int);
CREATE TABLE public.same (in_public int);
CREATE TABLE public.no_columns ();
CREATE TABLE hidden.secret (id int PRIMARY KEY);
CREATE TABLE public.points_at_secret (id int REFERENCES hidden.secret);

CREATE FUNCTION shop.search(term text, VARIADIC more int[]) RETURNS SETOF shop.account LANGUAGE sql STABLE STRICT AS 'SELECT * FROM shop.account';
CREATE FUNCTION shop.pair(a int, b int DEFAULT 1, c int DEFAULT 2) RETURNS TABLE (x int, y text) LANGUAGE sql SECURITY DEFINER AS 'SELECT 1, ''''';
CREATE FUNCTION shop.pair(a text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE PROCEDURE shop.work(n int) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE shop.agg(int) (sfunc = int4pl, stype = int);
COMMENT ON FUNCTION shop.pair(text) IS 'half a pair';
