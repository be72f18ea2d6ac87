package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// check refuses what can't be meant, and outputs that can't be written: a run that has
// taken hours must not end in a folder that is not there.
func (o *runOptions) check() error {
	if err := within("min-compared", o.minCompared, 1, "share"); err != nil {
		return err
	}
	if err := within("min-coverage", o.minCoverage, 100, "percentage"); err != nil {
		return err
	}
	if err := within("third-voice", o.thirdVoice, 1, "share"); err != nil {
		return err
	}
	if o.parallel < 0 || o.parallel == 0 && o.given("parallel") {
		return usage("--parallel is %d; it takes a number from 1", o.parallel)
	}
	if o.timeout < 0 {
		return usage("--timeout is %s; it takes a time that is not negative", o.timeout)
	}
	if o.line < 0 || o.line == 0 && o.given("line") {
		return usage("--line is %d; it takes the number of a line, from 1", o.line)
	}
	var names []string
	for _, form := range writesForms {
		name, _, _ := strings.Cut(form, " ")
		names = append(names, name)
	}
	if !slices.Contains(names, o.writes) {
		return usage("--writes is %q; it takes %s or %s", o.writes, strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
	}
	if o.resume != "" {
		if err := writable("resume", o.resume); err != nil {
			return err
		}
	}
	if o.reproduce != "" {
		if err := writableFolder("reproduce", o.reproduce); err != nil {
			return err
		}
	}
	return o.outputs.check()
}

// within refuses a number that is not from 0 to high; NaN is none of them.
func within(flag string, v, high float64, what string) error {
	if v >= 0 && v <= high {
		return nil
	}
	return usage("--%s is %g; it takes a %s from 0 to %g", flag, v, what, high)
}

// only refuses the flags that do nothing here.
func (o *runOptions) only(why string, without ...string) error {
	for _, name := range without {
		if o.given(name) {
			return usage("--%s has no effect %s", name, why)
		}
	}
	return nil
}

// check refuses outputs that are one file, or can't be written.
func (o *outputs) check() error {
	seen := map[string]string{}
	for _, f := range o.files() {
		if f.name == "" {
			continue
		}
		if other, ok := seen[filepath.Clean(f.name)]; ok {
			return usage("--%s and --%s are both %s", other, f.flag, f.name)
		}
		seen[filepath.Clean(f.name)] = f.flag
		if f.name == "-" {
			continue
		}
		if err := writable(f.flag, f.name); err != nil {
			return err
		}
	}
	return nil
}

// writable says whether the file of a flag can be written, and leaves it as it is.
func writable(flag, name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	switch {
	case err == nil:
		err = f.Close()
	case errors.Is(err, fs.ErrNotExist):
		err = makeable(filepath.Dir(name))
	}
	if err != nil {
		return usage("the file of --%s: %w", flag, err)
	}
	return nil
}

// writableFolder is writable for a folder, which need not be there yet.
func writableFolder(flag, name string) error {
	dir := name
	for {
		_, err := os.Stat(dir)
		if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	if err := makeable(dir); err != nil {
		return usage("the folder of --%s: %w", flag, err)
	}
	return nil
}

// makeable makes a file in dir, and removes it.
func makeable(dir string) error {
	f, err := os.CreateTemp(dir, ".fraiseql-*")
	if err != nil {
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			return fmt.Errorf("%s: %w", dir, pe.Err) // without the name that was tried
		}
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
