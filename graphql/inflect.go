package graphql

import (
	"strings"

	"github.com/gobuffalo/flect"
)

// The library knows the rules of English and many exceptions. The tables here
// hold what it gets wrong of the words that tables are called by.

// ownPlural are words that are their own plural, or that nobody wants changed.
var ownPlural = words(`
	aws data deer dns equipment feedback fish gps https info information media metadata money news os police
	progress rice series sheep sms software species staff this is has was aircraft hardware firmware research
	headquarters logistics physics analytics statistics means sms mms tls ssl css js rss cors`)

// plurals by singular, where the library or the table above says otherwise.
var plurals = map[string]string{
	"ad": "ads", "alias": "aliases", "atlas": "atlases", "bias": "biases", "canvas": "canvases", "cpu": "cpus",
	"curve": "curves", "die": "dies", "focus": "focuses", "gas": "gases", "gpu": "gpus", "id": "ids", "ip": "ips",
	"lens": "lenses", "lie": "lies", "menu": "menus", "photo": "photos", "pie": "pies", "sku": "skus",
	"tie": "ties", "video": "videos", "vm": "vms", "db": "dbs", "pc": "pcs", "api": "apis", "url": "urls", "tv": "tvs",
	"hero": "heroes", "echo": "echoes", "potato": "potatoes", "tomato": "tomatoes", "veto": "vetoes", "datum": "datums",
}

// singulars is plurals the other way round.
var singulars = func() map[string]string {
	out := make(map[string]string, len(plurals))
	for one, many := range plurals {
		out[many] = one
	}
	return out
}()

// fToVes are the words in -ves whose singular ends in f or fe; of all others
// (curves, drives) it ends in e.
var fToVes = words(`calves elves halves hooves knives leaves lives loaves scarves selves shelves thieves wives wolves`)

func words(list string) map[string]bool {
	out := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		out[word] = true
	}
	return out
}

// singular makes the last word of a clean name singular and keeps its case.
func singular(name string) string {
	return onLastWord(name, func(word string) string {
		switch {
		case singulars[word] != "":
			return singulars[word]
		case ownPlural[word] || plurals[word] != "" || len(word) < 4:
			return word
		case strings.HasSuffix(word, "ves") && !fToVes[word]:
			return strings.TrimSuffix(word, "s")
		case strings.HasSuffix(word, "ss") || strings.HasSuffix(word, "us") || strings.HasSuffix(word, "sis"):
			return word
		}
		return plain(flect.Singularize(word), word)
	})
}

// plural makes the last word of a name plural and keeps its case. The result is
// never the name itself: a word that is its own plural gets "List" (or "_list"
// where the name is in snake_case), so that a row and a list of rows have names
// apart.
//
//	user → users    orderItem → orderItems    news → newsList
func plural(name string) string {
	many := onLastWord(name, func(word string) string {
		switch {
		case plurals[word] != "":
			return plurals[word]
		case ownPlural[word]:
			return word
		case len(word) < 3 || strings.HasSuffix(word, "o"):
			return word + "s"
		}
		return plain(flect.Pluralize(word), word+"s")
	})
	if many != name {
		return many
	}
	if strings.Contains(strings.Trim(name, "_"), "_") {
		return name + "_list"
	}
	return name + "List"
}

// plain is a word that the library gave, unless it is not one: it answers some
// acronyms with nonsense ("ids" with "idsIDS").
func plain(word, otherwise string) string {
	if word == "" || strings.ToLower(word) != word {
		return otherwise
	}
	return word
}

// onLastWord gives the last word of name to change in lower case, and puts the
// answer back in the case that the word had.
func onLastWord(name string, change func(string) string) string {
	end := len(name)
	for end > 0 && !isLower(name[end-1]) && !isUpper(name[end-1]) {
		end-- // digits and underscores at the end belong to no word
	}
	if end < len(name) {
		return name // users2, users_2: a number, not a plural
	}
	start := end
	for start > 0 && (isLower(name[start-1]) || isUpper(name[start-1])) {
		start--
		if start > 0 && beginsWord(name, start) {
			break
		}
	}
	word := name[start:end]
	if word == "" {
		return name
	}
	lower := strings.ToLower(word)
	changed := change(lower)
	switch {
	case changed == lower:
		return name
	case word == lower:
	case word == strings.ToUpper(word) && len(word) > 1:
		changed = strings.ToUpper(changed)
	default:
		changed = strings.ToUpper(changed[:1]) + changed[1:]
	}
	return name[:start] + changed
}
