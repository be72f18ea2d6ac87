create table notes (
  id       bigint generated always as identity primary key,
  title    text not null unique,
  tags     text[] not null default '{}',
  meta     jsonb not null default '{}',
  price    numeric(10,2) not null default 0,
  priority text not null default '1', -- the number of it
  made_at  timestamptz not null default now()
);
