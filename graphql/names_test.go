package graphql

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTypeName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want, why string }{
		{"users", "User", "the common case"},
		{"user", "User", "a table named in the singular"},
		{"order_items", "OrderItem", "the last word alone is made singular"},
		{"news_items", "NewsItem", "a word that is its own plural stays"},
		{"people", "Person", "irregular"},
		{"categories", "Category", "-ies"},
		{"movies", "Movie", "-ies of -ie"},
		{"addresses", "Address", "-sses"},
		{"address", "Address", "-ss is no plural"},
		{"statuses", "Status", "-uses"},
		{"status", "Status", "-us is no plural"},
		{"bonus", "Bonus", ""},
		{"menus", "Menu", "-us that is a plural"},
		{"analyses", "Analysis", ""},
		{"analysis", "Analysis", ""},
		{"drives", "Drive", "-ves of -ve"},
		{"shelves", "Shelf", "-ves of -f"},
		{"knives", "Knife", "-ves of -fe"},
		{"data", "Data", "never Datum"},
		{"media", "Media", "never Medium"},
		{"sms", "Sms", ""},
		{"ids", "Id", "the library says idsIDS"},
		{"gas", "Gas", ""},
		{"users2", "Users2", "a number at the end: not the plural of a word"},
		{"user_accounts_", "UserAccounts", "an underscore at the end is dropped, the word before it is no last word"},
		{"UserAccounts", "UserAccount", "quoted camelCase"},
		{"USERS", "USER", "capitals stay"},
		{"Mixed Case", "MixedCase", "a space divides words"},
		{"_private_things", "_PrivateThing", "one leading underscore is kept"},
		{"__reserved", "_Reserved", "two belong to introspection"},
		{"1st_prizes", "_1stPrize", "a digit cannot begin a name"},
		{"élèves", "Eleve", "accents are taken off"},
		{"straße", "Strasse", "letters that do not come apart"},
		{"日本", "_U65e5U672c", "letters with no Latin form are numbered"},
		{"a-b", "AB", "signs divide words"},
		{"", "_", "no name of PostgreSQL, but a total function"},
		{"_", "_", ""},
		{"\xff", "_Ufffd", "not UTF-8 (a SQL_ASCII database)"},
	} {
		if diff := cmp.Diff(c.want, typeName(c.in)); diff != "" {
			t.Errorf("typeName(%q) (%s): %s", c.in, c.why, diff)
		}
	}
}

func TestPlural(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want, why string }{
		{"user", "users", "the common case"},
		{"User", "Users", "the case of the word is kept"},
		{"orderItem", "orderItems", "the last word alone"},
		{"order_item", "order_items", ""},
		{"person", "people", "irregular"},
		{"category", "categories", ""},
		{"status", "statuses", ""},
		{"video", "videos", "the library says videoes"},
		{"info", "infoList", "its own plural"},
		{"news", "newsList", "its own plural: a suffix, so that one and many differ"},
		{"series", "seriesList", ""},
		{"sheep", "sheepList", ""},
		{"data", "dataList", ""},
		{"user_data", "user_data_list", "in snake_case the suffix is so too"},
		{"users2", "users2List", "no word at the end"},
		{"id", "ids", ""},
		{"USER", "USERS", "capitals"},
		{"_", "_List", ""},
	} {
		if diff := cmp.Diff(c.want, plural(c.in)); diff != "" {
			t.Errorf("plural(%q) (%s): %s", c.in, c.why, diff)
		}
	}
}

// TestTablesOfOneWord holds singular and plural against each other for the
// words that tables are commonly called by.
func TestTablesOfOneWord(t *testing.T) {
	t.Parallel()
	for many := range strings.FieldsSeq(`
		users addresses children bonuses buses analyses processes bases taxis categories boxes houses databases caches
		cases leaves knives movies cookies shoes heroes indices matrices quizzes aliases expenses licenses invoices
		companies keys apis zones days toys photos wolves curves waves archives gloves halves phases purchases releases
		responses courses nurses horses prizes sizes campuses censuses radii schemas formulas agendas sales accesses
		businesses classes passes losses menus skus lenses canvases viruses ids posts comments tags products orders
		payments customers employees departments cities countries currencies languages sessions tokens roles
		permissions messages notifications events tasks projects teams members files images videos audits logs`) {
		one := singular(many)
		if one == many || plural(one) != many {
			t.Errorf("%s: singular %s, and of that the plural %s", many, one, plural(one))
		}
		if singular(one) != one {
			t.Errorf("singular(%s) is %s: a table in the singular would get another name", one, singular(one))
		}
	}
}

func TestFieldName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want, why string }{
		{"created_at", "createdAt", "the rule of the catalog"},
		{"_id", "_id", "a leading underscore is kept"},
		{"USER_ID", "USERID", "nothing is lowered"},
		{"Mixed Case", "MixedCase", ""},
		{"__typename", "_typename", "two underscores belong to introspection"},
		{"2fa", "_2fa", ""},
		{"größe", "grosse", ""},
		{"price ($)", "price", "signs at the end say nothing"},
		{"<", "_u003c", "a sign alone is numbered: < and > stay apart"},
		{"日", "_u65e5", ""},
	} {
		if diff := cmp.Diff(c.want, fieldName(c.in)); diff != "" {
			t.Errorf("fieldName(%q) (%s): %s", c.in, c.why, diff)
		}
	}
}

func TestLowerFirst(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"User": "user", "HTTPLog": "httpLog", "USER": "user", "_Private": "_private", "OrderItem": "orderItem", "": "", "_1st": "_1st",
	} {
		if got := lowerFirst(in); got != want {
			t.Errorf("lowerFirst(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEnumValues(t *testing.T) {
	t.Parallel()
	labels := []string{"in progress", "inProgress2", "1st", "true", "null", "A", "HTTPError", "é", "", "<", "__x", "done!"}
	want := []string{"IN_PROGRESS", "IN_PROGRESS2", "_1ST", "TRUE", "NULL", "A", "HTTP_ERROR", "E", "_", "_U003C", "_X", "DONE"}
	got, err := enumValues("mood", labels)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	_, err = enumValues("state", []string{"in progress", "done", "in-progress"})
	const text = `enum state: the labels "in progress" and "in-progress" are both IN_PROGRESS in GraphQL: name one of them in the configuration (enums, values)`
	if err == nil || err.Error() != text {
		t.Errorf("error %v, want %s", err, text)
	}
}

// TestNamesAreNames: whatever text the database uses, GraphQL takes the name.
func TestNamesAreNames(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^(_|_?[A-Za-z][_0-9A-Za-z]*|_[0-9][_0-9A-Za-z]*)$`)
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringMatching(`[_a-zA-Z0-9 .-]{0,12}`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "name")
		for what, f := range map[string]func(string) string{"typeName": typeName, "fieldName": fieldName, "enumValue": enumValue} {
			got := f(in)
			if !name.MatchString(got) || strings.HasPrefix(got, "__") {
				t.Errorf("%s(%q) = %q", what, in, got)
			}
			if f(in) != got {
				t.Errorf("%s(%q) differs from call to call", what, in)
			}
			if again := f(got); what == "fieldName" && again != got {
				t.Errorf("%s(%q) = %q and of that %q", what, in, got, again)
			}
		}
		one := typeName(in)
		if many := plural(one); many == one || !name.MatchString(many) {
			t.Errorf("plural(%q) = %q", one, many)
		}
	})
}
