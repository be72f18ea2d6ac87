package flags

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// errValue says only that the value is none of those allowed; the message adds
// which those are.
var errValue = errors.New("not allowed")

// choice is a setting with one of a few words, written exactly so; the first is
// the default.
func choice(group, env, flag, doc string, field func(*Settings) *string, allowed ...string) Setting {
	return Setting{
		Group: group, Env: env, Flag: flag, Default: allowed[0], Allowed: oneOf(allowed), Doc: doc,
		set: func(s *Settings, v string) error {
			if !slices.Contains(allowed, v) {
				return errValue
			}
			*field(s) = v
			return nil
		},
		show: func(s *Settings) string { return *field(s) },
	}
}

// boolChoice is auto, true or false.
func boolChoice(group, env, flag, doc string, field func(*Settings) *string) Setting {
	r := choice(group, env, flag, doc, field, Auto, "true", "false")
	r.Allowed += ", in any letter case"
	exact := r.set
	r.set = func(s *Settings, v string) error { return exact(s, strings.ToLower(v)) }
	return r
}

// boolAllowed marks the settings that are a plain switch.
const boolAllowed = "true or false, in any letter case"

// truth is true or false, in any letter case, and nothing else: not 1, yes, on
// or t, which half of all programs take and the other half do not.
func truth(group, env, flag, def, doc string, field func(*Settings) *bool) Setting {
	return Setting{
		Group: group, Env: env, Flag: flag, Default: def, Allowed: boolAllowed, Doc: doc,
		set: func(s *Settings, v string) error {
			switch {
			case strings.EqualFold(v, "true"):
				*field(s) = true
			case strings.EqualFold(v, "false"):
				*field(s) = false
			default:
				return errValue
			}
			return nil
		},
		show: func(s *Settings) string { return strconv.FormatBool(*field(s)) },
	}
}

// count is a whole number between two bounds.
func count(group, env, flag, def string, low, high int64, doc string, field func(*Settings) *int) Setting {
	return Setting{
		Group: group, Env: env, Flag: flag, Default: def, Allowed: fmt.Sprintf("a whole number from %d to %d", low, high), Doc: doc,
		set: func(s *Settings, v string) error {
			n, err := whole(v, low, high)
			if err == nil {
				*field(s) = int(n)
			}
			return err
		},
		show: func(s *Settings) string { return strconv.Itoa(*field(s)) },
	}
}

// rows is a count that may be as large as a result can be.
func rows(group, env, flag, def, doc string, field func(*Settings) *int64) Setting {
	const most = 1<<63 - 1
	return Setting{
		Group: group, Env: env, Flag: flag, Default: def, Allowed: fmt.Sprintf("a whole number from 0 to %d", int64(most)), Doc: doc,
		set: func(s *Settings, v string) error {
			n, err := whole(v, 0, most)
			if err == nil {
				*field(s) = n
			}
			return err
		},
		show: func(s *Settings) string { return strconv.FormatInt(*field(s), 10) },
	}
}

// millis is a whole number of milliseconds.
func millis(group, env, flag, def string, low int64, doc string, field func(*Settings) *time.Duration) Setting {
	return Setting{
		Group: group, Env: env, Flag: flag, Default: def,
		Allowed: fmt.Sprintf("a whole number of milliseconds from %d to %d", low, maxMillis), Doc: doc,
		set: func(s *Settings, v string) error {
			n, err := whole(v, low, maxMillis)
			if err == nil {
				*field(s) = time.Duration(n) * time.Millisecond
			}
			return err
		},
		show: func(s *Settings) string {
			d := *field(s)
			if d%time.Millisecond != 0 {
				// Only Go code can set this. Cut to milliseconds, half of one would
				// read as 0: no limit. Shown in full it is refused by Validate.
				return d.String()
			}
			return strconv.FormatInt(d.Milliseconds(), 10)
		},
	}
}

// whole reads digits and nothing else: no sign, point, exponent, unit or space.
func whole(v string, low, high int64) (int64, error) {
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, errValue
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < low || n > high {
		return 0, errValue
	}
	return n, nil
}

// decimal is a number from 0 to high. It reads digits with at most one point:
// strconv alone would take 0x1p-2, 1_0, 1e-3 and NaN too.
func decimal(v string, high int) (float64, error) {
	digits := strings.Replace(v, ".", "", 1)
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, errValue
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || f > float64(high) {
		return 0, errValue
	}
	// "1.00000000000000001" rounds to 1 and is more than 1: look at the digits.
	if whole, fraction, _ := strings.Cut(v, "."); f == float64(high) && strings.TrimLeft(whole, "0") == strconv.Itoa(high) && strings.Trim(fraction, "0") != "" {
		return 0, errValue
	}
	return f, nil
}

// setTimeZone leaves the name to the server, which alone knows its zones, and
// refuses what cannot be one.
func setTimeZone(s *Settings, v string) error {
	if v == "" || strings.TrimSpace(v) != v || hasControl(v) {
		return errValue
	}
	s.TimeZone = v
	return nil
}

func hasControl(v string) bool {
	return !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f })
}
