package backend

import (
	"errors"
	"fmt"
	"strings"
)

// splitKeywords reads "key = value key='quoted value'" as libpq's conninfo_parse
// does: blanks around = are allowed, a backslash takes the next character as it is,
// in and out of quotes.
func splitKeywords(dsn string) (settings, error) {
	s := settings{}
	rest := strings.TrimLeft(dsn, blanks)
	for rest != "" {
		end := strings.IndexAny(rest, "="+blanks)
		if end < 0 {
			// Not quoted: it may be a password that was meant to follow a quote.
			return nil, errors.New(`a keyword without "="`)
		}
		key := rest[:end]
		rest = strings.TrimLeft(rest[end:], blanks)
		if !strings.HasPrefix(rest, "=") {
			return nil, errors.New(`a keyword without "="`)
		}
		if key == "" {
			return nil, errors.New(`a value without a keyword before "="`)
		}
		value, tail, err := keywordValue(strings.TrimLeft(rest[1:], blanks))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if err := s.put(key, value); err != nil {
			return nil, err
		}
		rest = strings.TrimLeft(tail, blanks)
	}
	return s, nil
}

// blanks are C's isspace in the C locale.
const blanks = " \t\n\v\f\r"

func keywordValue(in string) (value, rest string, err error) {
	quoted := strings.HasPrefix(in, "'")
	i := 0
	if quoted {
		i = 1
	}
	var b strings.Builder
	for ; i < len(in); i++ {
		switch ch := in[i]; {
		case ch == '\\':
			if i++; i == len(in) {
				return "", "", errors.New("a backslash at the end")
			}
			b.WriteByte(in[i])
		case quoted && ch == '\'':
			return b.String(), in[i+1:], nil
		case !quoted && strings.IndexByte(blanks, ch) >= 0:
			return b.String(), in[i:], nil
		default:
			b.WriteByte(ch)
		}
	}
	if quoted {
		return "", "", errors.New("a quoted value without its closing quote")
	}
	return b.String(), "", nil
}

// splitURL reads what follows postgres:// as libpq's conninfo_uri_parse_options
// does: several hosts, IPv6 in brackets, a percent-encoded socket directory; "+"
// and "#" are themselves.
func splitURL(rest string) (settings, error) {
	s := settings{}
	store := func(key, raw string) error {
		if raw == "" {
			return nil
		}
		v, err := unescape(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return s.put(key, v)
	}
	if i := strings.IndexAny(rest, "@/"); i >= 0 && rest[i] == '@' {
		user, password, _ := strings.Cut(rest[:i], ":")
		if err := errors.Join(store("user", user), store("password", password)); err != nil {
			return nil, err
		}
		rest = rest[i+1:]
	}
	rest, err := splitURLHosts(rest, store)
	if err != nil {
		return nil, err
	}
	if path, ok := strings.CutPrefix(rest, "/"); ok {
		name, query, more := strings.Cut(path, "?")
		if err := store("dbname", name); err != nil {
			return nil, err
		}
		rest = ""
		if more {
			rest = "?" + query
		}
	}
	query, ok := strings.CutPrefix(rest, "?")
	if !ok || query == "" {
		return s, nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		rawKey, rawValue, found := strings.Cut(pair, "=")
		key, err := unescape(rawKey)
		switch {
		case err != nil || key == "":
			return nil, errors.New("a parameter whose name is empty or badly escaped")
		case !found:
			return nil, fmt.Errorf(`%s: a parameter without "="`, key)
		case strings.Contains(rawValue, "="):
			return nil, fmt.Errorf(`%s: a second "=" in the value: write %%3D`, key)
		}
		value, err := unescape(rawValue)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if key == "ssl" && value == "true" { // libpq's courtesy to JDBC URLs
			key, value = "sslmode", "require"
		}
		if err := s.put(key, value); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// splitURLHosts reads host[:port],… and returns what follows.
func splitURLHosts(rest string, store func(key, raw string) error) (string, error) {
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	if strings.Contains(authority, "@") {
		return "", errors.New("an unescaped @ or / before the host: write %40 or %2F in user and password")
	}
	var names, ports []string
	for part := range strings.SplitSeq(authority, ",") {
		var host, port string
		if strings.HasPrefix(part, "[") {
			i := strings.IndexByte(part, ']')
			if i < 2 {
				return "", errors.New("host: an IPv6 address without its closing bracket, or an empty one")
			}
			host, port = part[1:i], part[i+1:]
			if port != "" && port[0] != ':' {
				return "", errors.New("host: something other than a port after an IPv6 address")
			}
			port = strings.TrimPrefix(port, ":")
		} else {
			host, port, _ = strings.Cut(part, ":")
		}
		names, ports = append(names, host), append(ports, port)
	}
	name, port := strings.Join(names, ","), strings.Join(ports, ",")
	// A list of nothing but commas in front of no port is still a list of hosts.
	if strings.Trim(port, ",") == "" {
		port = ""
	}
	return rest[end:], errors.Join(store("host", name), store("port", port))
}

// unescape decodes %XX strictly: a bad escape and %00 are errors, and "+" is a plus.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errors.New("a percent sign without two hexadecimal digits: write %25")
		}
		hi, lo := unhex(s[i+1]), unhex(s[i+2])
		if hi < 0 || lo < 0 {
			return "", errors.New("a percent sign without two hexadecimal digits: write %25")
		}
		if hi|lo == 0 {
			return "", errors.New("%00 can't be part of a value")
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return b.String(), nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
