package flags

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// schemasAllowed is what a list of schemas may be.
const schemasAllowed = `schema names with commas between them, such as app,public; in double quotes where a name has a comma, a quote or a space in it`

// text sets *to where ok takes v.
func text(to *string, v string, ok func(string) bool) error {
	if !ok(v) {
		return errValue
	}
	*to = v
	return nil
}

// word is a text that ok takes; "" is always taken and means not set, unless
// there is a default.
func word(group, env, flag, def, allowed, doc string, field func(*Settings) *string, ok func(string) bool) Setting {
	return Setting{
		Group: group, Env: env, Flag: flag, Default: def, Allowed: allowed, Doc: doc,
		set: func(s *Settings, v string) error {
			return text(field(s), v, func(v string) bool { return v == "" && def == "" || ok(v) })
		},
		show: func(s *Settings) string { return *field(s) },
	}
}

// list is values with commas between them, each of which ok takes. Without a
// default it is empty.
func list(group, env, flag, allowed, doc string, field func(*Settings) *[]string, ok func(string) bool) Setting {
	return Setting{
		Group: group, Env: env, Flag: flag, Allowed: allowed, Doc: doc, List: true,
		set: func(s *Settings, v string) error {
			items, err := readList(v)
			if err != nil || slices.ContainsFunc(items, func(item string) bool { return !ok(item) }) {
				return errValue
			}
			*field(s) = items
			return nil
		},
		show: func(s *Settings) string { return showList(*field(s)) },
	}
}

// readList reads app,"My Schema". Letter case is kept, as everywhere in the
// product. Nothing may be there twice.
func readList(v string) ([]string, error) {
	if v == "" {
		return nil, nil
	}
	if hasControl(v) {
		return nil, errValue
	}
	var items []string
	for rest := v; ; {
		rest = strings.TrimLeft(rest, " ")
		item, after, ok := cutItem(rest)
		if !ok || item == "" || slices.Contains(items, item) {
			return nil, errValue
		}
		items = append(items, item)
		if after == "" {
			return items, nil
		}
		rest = after[1:]
	}
}

// cutItem takes one item off the front; after starts with ',' or is empty.
func cutItem(s string) (item, after string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		item, _, _ = strings.Cut(s, ",")
		after = s[len(item):]
		item = strings.TrimRight(item, " ")
		return item, after, !strings.ContainsAny(item, `" `)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		after = strings.TrimLeft(s[i+1:], " ")
		return b.String(), after, after == "" || after[0] == ','
	}
	return "", "", false
}

func showList(items []string) string {
	quoted := make([]string, len(items))
	for i, n := range items {
		if n == "" || strings.ContainsAny(n, `," `) {
			n = `"` + strings.ReplaceAll(n, `"`, `""`) + `"`
		}
		quoted[i] = n
	}
	return strings.Join(quoted, ",")
}

func anyText(string) bool { return true }

// noNUL refuses what no connection string can carry; the rest is for the parser
// of connection strings.
func noNUL(v string) bool { return !strings.ContainsRune(v, 0) }

// plain is a text on one line, without spaces around it.
func plain(v string) bool { return v != "" && !hasControl(v) && strings.TrimSpace(v) == v }

// fileName is whatever a file system may call a file.
func fileName(v string) bool { return v != "" && noNUL(v) }

// address is HOST:PORT with a number for the port; an empty host is every address
// of the machine.
func address(v string) bool {
	host, port, err := net.SplitHostPort(v)
	if err != nil || host != "" && !plain(host) || strings.ContainsAny(host, " /@") {
		return false
	}
	_, err = whole(port, 0, 65535)
	return err == nil
}

// pathForm is an absolute path of plain segments: no query, no escape, nothing
// that a router would read as a pattern.
var pathForm = regexp.MustCompile(`^/([A-Za-z0-9_.~-]+(/[A-Za-z0-9_.~-]+)*)?$`)

func urlPath(v string) bool {
	return pathForm.MatchString(v) && !slices.ContainsFunc(strings.Split(v, "/"), func(part string) bool { return part == "." || part == ".." })
}

// origin is what a browser sends as Origin; one * may stand for anything.
func origin(v string) bool {
	if v == "*" {
		return true
	}
	v = strings.Replace(v, "*", "x", 1)
	u, err := url.Parse(v)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && v == u.Scheme+"://"+u.Host &&
		!strings.ContainsAny(u.Host, "*") && (u.Port() == "" || address(":"+u.Port()))
}

// keysURL is where keys may be fetched: over TLS, or from this machine.
func keysURL(v string) bool {
	u, err := url.Parse(v)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	local := u.Hostname() == "localhost"
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		local = ip.IsLoopback()
	}
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// sqlstateForm is five digits or capitals; class 00 is success, 01 a warning and
// 02 no data: none is an error.
var sqlstateForm = regexp.MustCompile(`^[0-9A-Z]{5}$`)

func sqlstate(v string) bool {
	return sqlstateForm.MatchString(v) && !slices.Contains([]string{"00", "01", "02"}, v[:2])
}

// variableForm is a setting that PostgreSQL leaves to applications: with a dot.
var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)+$`)

func variable(v string) bool { return variableForm.MatchString(v) && len(v) < 64 }

// pattern is a regular expression of package regexp.
func pattern(v string) bool {
	_, err := regexp.Compile(v)
	return err == nil
}

// claimSetting is claim=setting; a claim may have "=" in it, a setting may not.
func claimSetting(v string) bool {
	claim, setting := cutClaim(v)
	return plain(claim) && variable(setting)
}

func cutClaim(v string) (claim, setting string) {
	i := strings.LastIndexByte(v, '=')
	if i < 0 {
		return "", ""
	}
	return v[:i], v[i+1:]
}

// port is the port of an address that address has taken.
func port(v string) int {
	_, p, _ := net.SplitHostPort(v)
	n, _ := strconv.Atoi(p)
	return n
}
