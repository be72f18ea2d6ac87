package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// sameFile says whether a and b end in one place: a terminal, or a file by 2>&1.
func sameFile(a, b io.Writer) bool {
	one, ok := a.(*os.File)
	two, too := b.(*os.File)
	if !ok || !too {
		return false
	}
	x, err := one.Stat()
	y, err2 := two.Stat()
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// Colors of the interface. They are used on a terminal only, and never when
// NO_COLOR is set (https://no-color.org).
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	amber = "33"
)

// paint colors s for standard output, when that is where color may go.
func (a *app) paint(color, s string) string {
	if !a.color || !isTerminal(a.Out) {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

// step is one line of progress on standard error: on a terminal it is redrawn
// with the time that has passed until done is called; elsewhere one plain line
// is printed when it is done.
func (a *app) step(what string) (done func(result string)) {
	start := time.Now()
	if !a.tty {
		return func(result string) { fmt.Fprintf(a.Err, "%s: %s\n", what, result) }
	}
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			fmt.Fprintf(a.Err, "\r\x1b[K%c %s %.1f s", `|/-\`[i%4], what, time.Since(start).Seconds())
			select {
			case <-quit:
				return
			case <-tick.C:
			}
		}
	})
	return func(result string) {
		close(quit)
		wg.Wait()
		fmt.Fprintf(a.Err, "\r\x1b[K  %s: %s\n", what, result)
	}
}

// bar is a progress line for a known number of things, of which from are done: a bar
// with a share and the time that is left on a terminal; elsewhere a line now and then,
// since what is silent for long is ended by a CI system.
type bar struct {
	a           *app
	what        string
	total, from int
	start       time.Time
	last        time.Time
}

// plainProgress is how often a line of progress is printed where there is no terminal.
const plainProgress = 30 * time.Second

func (a *app) bar(what string, from, total int) *bar {
	now := time.Now()
	return &bar{a: a, what: what, from: from, total: total, start: now, last: now}
}

func (b *bar) at(n int) {
	every := plainProgress
	if b.a.tty {
		every = 50 * time.Millisecond
	}
	if time.Since(b.last) < every && (n < b.total || !b.a.tty) {
		return
	}
	b.last = time.Now()
	left := ""
	if n > b.from && n < b.total {
		rest := time.Duration(float64(time.Since(b.start)) / float64(n-b.from) * float64(b.total-n))
		left = fmt.Sprintf(", %s left", rest.Round(100*time.Millisecond))
	}
	if !b.a.tty {
		fmt.Fprintf(b.a.Err, "%s: %d of %d%s\n", b.what, n, b.total, left)
		return
	}
	const width = 30
	filled := width
	if b.total > 0 {
		filled = width * n / b.total
	}
	fmt.Fprintf(b.a.Err, "\r\x1b[K%s [%s%s] %d of %d%s", b.what, strings.Repeat("#", filled), strings.Repeat(".", width-filled), n, b.total, left)
}

func (b *bar) end() {
	if b.a.tty {
		fmt.Fprint(b.a.Err, "\r\x1b[K")
	}
}

// table prints rows under a heading, columns aligned.
func table(w io.Writer, heading []string, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells []string) { fmt.Fprintln(t, strings.Join(cells, "\t")) }
	line(heading)
	rule := make([]string, len(heading))
	for i, h := range heading {
		rule[i] = strings.Repeat("-", utf8.RuneCountInString(h))
	}
	line(rule)
	for _, r := range rows {
		line(r)
	}
	return t.Flush()
}

// shorten cuts s to n characters, for a table.
func shorten(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
