package builder

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/catalog"
	"github.com/fraiseql/fraiseql-go/internal/pgtest"
)

const relationSchema = `
	CREATE TABLE people (id int PRIMARY KEY, name text, secret text, boss_id int REFERENCES people, UNIQUE (id, name));
	CREATE TABLE letters (id int PRIMARY KEY, sender_id int NOT NULL REFERENCES people, receiver_id int REFERENCES people, person_name text,
		CONSTRAINT letters_signed FOREIGN KEY (sender_id, person_name) REFERENCES people (id, name));
	CREATE TABLE passports (person_id int PRIMARY KEY REFERENCES people, number text);
	CREATE TABLE hidden (id int PRIMARY KEY, person_id int REFERENCES people);
	CREATE SCHEMA other;
	CREATE TABLE other.passports (id int PRIMARY KEY, person_id int REFERENCES people);
	INSERT INTO people VALUES (1, 'Ann', 'x', NULL), (2, 'Bob', 'y', 1), (3, 'Cid', 'z', 1);
	INSERT INTO letters VALUES (1, 2, 3, 'Bob'), (2, 2, NULL, NULL), (3, 3, 2, NULL);
	INSERT INTO passports VALUES (2, 'P2');`

func TestRelationNames(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, relationSchema)
	l := openLive(t, dsn)
	for _, tt := range []struct {
		table, name, target, why string
		many                     bool
	}{
		{"letters", "sender", "people", "column without _id", false},
		{"letters", "receiver", "people", "", false},
		{"letters", "letters_receiver_id_fkey", "people", "constraint", false},
		{"letters", "lettersSigned", "people", "constraint in camelCase, two columns", false},
		{"people", "letters_via_sender_id", "letters", "", true},
		{"people", "lettersViaReceiverId", "letters", "", true},
		{"people", "letters_via_sender_id_person_name", "letters", "", true},
		{"people", "boss", "people", "up a self reference", false},
		{"people", "people_via_boss_id", "people", "down a self reference", true},
		{"people", "people_boss_id_fkey", "people", "a self reference's constraint is its referencing side", false},
		{"people", "public.passports", "passports", "with the schema; a unique key makes it one", false},
		{"people", "other.passports", "passports", "", true},
		{"people", "hidden", "hidden", "the table's name alone", true},
	} {
		probs := &problems{}
		r, ok := l.schema.relation(l.table(t, tt.table), tt.name, nil, probs)
		if !ok || r.target.Name != tt.target || r.toMany != tt.many {
			t.Errorf("%s.%s: %+v %v, want %s (%s)", tt.table, tt.name, r, probs.err(), tt.target, tt.why)
		}
	}
	for _, tt := range []struct{ table, name, want string }{
		{"people", "letters", `relation "letters" is ambiguous: 3 foreign keys fit; allowed: lettersViaReceiverId, lettersViaSenderIdPersonName, lettersViaSenderId`},
		{"people", "passports", `is ambiguous: 2 foreign keys fit`},
		{"letters", "people", `is ambiguous: 3 foreign keys fit; allowed: receiver, sender, lettersSigned`},
		{"letters", "sendr", `unknown relation "sendr"; did you mean "sender"?`},
	} {
		probs := &problems{}
		if _, ok := l.schema.relation(l.table(t, tt.table), tt.name, nil, probs); ok || !sameWords(probs.err().Error(), tt.want) {
			t.Errorf("%s.%s: %v, want %s", tt.table, tt.name, probs.err(), tt.want)
		}
	}
	for filter, want := range map[string]string{
		`{"letters_via_sender_id":{"exists":{}}}`:                                      "2 3",
		`{"letters_via_receiver_id":{"none":{}}}`:                                      "1",
		`{"letters_via_sender_id":{"every":{"person_name":{"eq":"Bob"}}}}`:             "1",
		`{"letters_via_sender_id":{"none":{"person_name":{"eq":"Bob"}}}}`:              "1 3",
		`{"letters_via_sender_id_person_name":{"exists":{}}}`:                          "2",
		`{"boss":{"exists":{"name":{"eq":"Ann"}}}}`:                                    "2 3",
		`{"people_via_boss_id":{"exists":{"people_via_boss_id":{"none":{}}}}}`:         "1",
		`{"letters_via_sender_id":{"exists":{"receiver":{"exists":{"id":{"eq":3}}}}}}`: "2",
	} {
		if got := strings.Join(l.find(t, "people", "id", filter), " "); got != want {
			t.Errorf("%s found %s, want %s", filter, got, want)
		}
	}
}

// sameWords compares a message and what it has to begin with, whatever the
// order of the names that it lists.
func sameWords(got, want string) bool {
	for w := range strings.SplitSeq(strings.ReplaceAll(want, ";", ","), ", ") {
		if !strings.Contains(got, strings.TrimPrefix(w, "allowed: ")) {
			return false
		}
	}
	return true
}

// TestPrivileges: what the role may not read is never used, found or named.
func TestPrivileges(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, relationSchema)
	role := fmt.Sprintf("reader_%x", len(dsn)) + strings.ToLower(t.Name())
	db := pgtest.Open(t, dsn)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		"CREATE ROLE " + role, "GRANT SELECT (id, name) ON people TO " + role, "GRANT UPDATE (secret) ON people TO " + role, "GRANT SELECT (id) ON letters TO " + role,
		"SET ROLE " + role,
	} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		_, _ = db.Exec("DROP OWNED BY " + role)
		_, _ = db.Exec("DROP ROLE " + role)
	})
	cat, err := catalog.Load(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	s, err := NewSchema(cat, SchemaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	people, err := cat.Table("people")
	if err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string]string{
		`{"secret":{"eq":"x"}}`:                     `unknown field "secret"; allowed: id, name`,
		`{"secre":{"eq":"x"}}`:                      `unknown field "secre"; allowed: id, name`,
		`{"letters_via_sender_id":{"exists":{}}}`:   `unknown relation "letters_via_sender_id": the table has none`,
		`{"hidden":{"exists":{}}}`:                  `unknown relation "hidden": the table has none`,
		`{"boss":{"exists":{"name":{"eq":"Ann"}}}}`: `unknown relation "boss"`,
	} {
		f, err := parseFilter(filter)
		if err != nil {
			t.Fatal(err)
		}
		_, err = filterSQL(s, people, "id", f)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", filter, err, want)
		}
	}
}

// TestNameTraps: identifiers that need quoting, or that squirrel would read as
// placeholders, and aliases of many relations.
func TestNameTraps(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	long := strings.Repeat("l", 63)
	pgtest.Exec(t, dsn, `CREATE TYPE "kind of?" AS ENUM ('a?', 'b');
		CREATE TABLE "sel?from ""x"" ??" (id int PRIMARY KEY, "or?" int, "from" "kind of?", "`+long+`" int, "ünï" text, "t0" int);
		INSERT INTO "sel?from ""x"" ??" VALUES (1, 5, 'a?', 7, 'u', 3), (2, 6, 'b', 8, 'v', 4)`)
	l := openLive(t, dsn)
	table := `"sel?from ""x"" ??"`
	for filter, want := range map[string]string{
		`{"or?":{"eq":5}}`: "1", `{"from":{"eq":"a?"}}`: "1", `{"from":{"in":["a?","b"]}}`: "1 2", `{"` + long + `":{"eq":8}}`: "2", `{"ünï":{"eq":"v"}}`: "2",
		`{"t0":{"gt":3}}`: "2",
	} {
		if got := strings.Join(l.find(t, table, "id", filter), " "); got != want {
			t.Errorf("%s found %s, want %s", filter, got, want)
		}
	}
}

// TestRelationKeys: a relation that is asked for by its name answers in camelCase;
// a key beside "relation" is the caller's word.
func TestRelationKeys(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DB(t)
	pgtest.Exec(t, dsn, relationSchema)
	l := openLive(t, dsn)
	for _, tt := range []struct{ name, relations, want, refused string }{
		{"name", `{"letters_via_sender_id":{}}`, "lettersViaSenderId", ""},
		{"camelCase name", `{"lettersViaSenderId":{}}`, "lettersViaSenderId", ""},
		{"own key", `{"sent_by":{"relation":"letters_via_sender_id"}}`, "sent_by", ""},
		{"own key that is the name", `{"letters_via_sender_id":{"relation":"letters_via_sender_id"}}`, "letters_via_sender_id", ""},
		{"both spellings", `{"letters_via_sender_id":{},"lettersViaSenderId":{}}`, "", `output key "lettersViaSenderId" is there already`},
		{"name and own key", `{"letters_via_sender_id":{},"lettersViaSenderId":{"relation":"boss"}}`, "", `output key "lettersViaSenderId" is there already`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req, err := Parse([]byte(`{"operation":"query","table":"people","fields":["id"],"relations":` + tt.relations + `}`))
			if err != nil {
				t.Fatal(err)
			}
			plan, err := Build(l.schema, &req.Definitions[0])
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Fatalf("error %v, want %s", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := plan.Root.Members[1].Key; got != tt.want {
				t.Errorf("key %q, want %q", got, tt.want)
			}
		})
	}
}
