package backend

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// readService returns the settings of the service that given or PGSERVICE names,
// or none. The files are libpq's: servicefile or PGSERVICEFILE, else
// ~/.pg_service.conf; then pg_service.conf in PGSYSCONFDIR.
func readService(given settings, getenv func(string) string) (settings, error) {
	name := given["service"]
	if name == "" {
		name = getenv("PGSERVICE")
	}
	if name == "" {
		return nil, nil
	}
	named := given["servicefile"]
	if named == "" {
		named = getenv("PGSERVICEFILE")
	}
	var files []string
	if named != "" {
		if _, err := os.Stat(named); err != nil {
			return nil, fmt.Errorf("service %q: %w", name, err)
		}
		files = append(files, named)
	} else if dir := home(getenv); dir != "" {
		files = append(files, filepath.Join(dir, ".pg_service.conf"))
	}
	if dir := getenv("PGSYSCONFDIR"); dir != "" {
		files = append(files, filepath.Join(dir, "pg_service.conf"))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("service %q: %w", name, err)
		}
		s, err := parseService(string(text), name)
		if err != nil {
			return nil, fmt.Errorf("service %q in %s: %w", name, file, err)
		}
		if s != nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("service %q: no service file has it", name)
}

// parseService returns the settings of the section called name, nil if there is none.
func parseService(text, name string) (settings, error) {
	var s settings
	line := 0
	for row := range strings.SplitSeq(text, "\n") {
		line++
		row = strings.Trim(row, blanks)
		switch {
		case row == "" || row[0] == '#':
		case row[0] == '[':
			if s != nil {
				return s, nil
			}
			if row == "["+name+"]" {
				s = settings{}
			}
		case s != nil:
			key, value, found := strings.Cut(row, "=")
			if !found || key == "" {
				return nil, fmt.Errorf(`line %d: want key=value`, line)
			}
			if key == "service" || key == "servicefile" || strings.HasPrefix(key, "ldap") {
				return nil, fmt.Errorf("line %d: %s: not supported in a service file", line, key)
			}
			if err := s.put(key, value); err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
		}
	}
	return s, nil
}

// readPassfile gives every host the password that the file has for it. Like libpq
// it overlooks a missing file; one that others may read is an error where it
// would have served, instead of libpq's warning that nobody sees.
func readPassfile(c *Config, file string, getenv func(string) string) error {
	if file == "" {
		dir := home(getenv)
		if dir == "" {
			return nil
		}
		file = filepath.Join(dir, ".pgpass")
	}
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // no password file is no error
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("passfile: %w", err)
	}
	for i := range c.Hosts {
		h := &c.Hosts[i]
		password, ok := findPassword(string(text), h, c.Database, c.User)
		if !ok {
			continue
		}
		if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			return fmt.Errorf("passfile: %s may be read by others: chmod 600", file)
		}
		h.Password = Secret(password)
	}
	return nil
}

// findPassword looks for the first line host:port:database:user:password that fits.
func findPassword(text string, h *Host, database, user string) (string, bool) {
	names := []string{h.Name}
	if h.Name == "" {
		names[0] = h.Addr
	}
	if h.unix() {
		names = append(names, "localhost")
	}
	port := strconv.Itoa(int(h.port()))
	for row := range strings.SplitSeq(text, "\n") {
		row = strings.TrimSuffix(row, "\r")
		if row == "" || row[0] == '#' {
			continue
		}
		f := passFields(row)
		if len(f) < 5 {
			continue
		}
		fits := func(i int, want string) bool { return f[i] == want || f[i] == "*" }
		host := false
		for _, name := range names {
			host = host || fits(0, name)
		}
		if host && fits(1, port) && fits(2, database) && fits(3, user) {
			return f[4], true
		}
	}
	return "", false
}

// passFields splits at colons; a backslash takes the next character as it is.
func passFields(row string) []string {
	var fields []string
	var b strings.Builder
	for i := 0; i < len(row); i++ {
		switch {
		case row[i] == '\\' && i+1 < len(row):
			i++
			b.WriteByte(row[i])
		case row[i] == ':' && len(fields) < 4:
			fields = append(fields, b.String())
			b.Reset()
		default:
			b.WriteByte(row[i])
		}
	}
	return append(fields, b.String())
}
