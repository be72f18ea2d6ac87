package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/browsertest"
)

// TestPageInABrowser opens the page in a browser, light and dark, narrow and wide, and uses
// its filter. With -update docs/images gets a picture of it.
func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := full().HTML(&b); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if at := os.Getenv("FRAISEQL_TEST_PICTURES"); at != "" {
		dir = at
	}
	views := []browsertest.View{
		{Scheme: "light", Width: 1400, File: filepath.Join(dir, "report-light-1400.png")},
		{Scheme: "dark", Width: 1400, File: filepath.Join(dir, "report-dark-1400.png")},
		{Scheme: "light", Width: 400, File: filepath.Join(dir, "report-light-400.png")},
		{Scheme: "dark", Width: 400, File: filepath.Join(dir, "report-dark-400.png")},
	}
	if *update {
		views = append(views, browsertest.View{Scheme: "light", Width: 1200, File: "../../docs/images/parity-report.png"})
	}
	const visible = "[...document.querySelectorAll('details.class')].filter((e) => !e.hidden).length"
	browsertest.Look(t, b.String(), views, []string{
		visible + " === 7",
		"document.querySelectorAll('details.class[open]').length === 2",
		"document.querySelectorAll('.sides mark').length > 0",
		"(document.querySelector('[data-verdict=mismatch]').click(), " + visible + " === 2)",
		"(document.querySelector('[data-verdict=noise]').click(), " + visible + " === 3)",
		"document.getElementById('shown').textContent === '3 of 7 classes'",
		"(document.querySelector('[data-verdict=mismatch]').click(), document.querySelector('[data-verdict=noise]').click(), " + visible + " === 7)",
		"(() => { const f = document.getElementById('find'); f.value = 'ORDERS'; f.dispatchEvent(new Event('input')); return " + visible + " === 1; })()",
		"(dispatchEvent(new Event('beforeprint')), document.querySelectorAll('details:not([open])').length === 0)",
		"(dispatchEvent(new Event('afterprint')), document.querySelectorAll('details.class[open]').length === 2)",
		// A command keeps its words whole, to be read and copied as it is.
		"[...document.querySelectorAll('code')].some((c) => c.querySelector('.word') && c.textContent.trim().startsWith('fraiseql parity ') && !c.textContent.includes('  '))",
		"[...document.querySelectorAll('.word, .owner')].every((w) => w.getClientRects().length < 2)",
		"[...document.querySelectorAll('.scroll + .scroll')].every((e) => e.getBoundingClientRect().top > e.previousElementSibling.getBoundingClientRect().bottom)",
		// Everything that can be used has a name, and every table a heading.
		"[...document.querySelectorAll('button, input, [role=region]')].every((e) => e.innerText?.trim() || e.labels?.length || e.ariaLabel)",
		"document.documentElement.lang === 'en' && document.querySelectorAll('h1').length === 1",
	})
	if n := strings.Count(b.String(), "http"); n != 1 { // http-equiv
		t.Errorf("the page speaks of http %d times", n)
	}
}

// TestPageIsHarmless: what operations and columns are called is no markup.
func TestPageIsHarmless(t *testing.T) {
	t.Parallel()
	d := full()
	const attack = `</script><img src=x onerror=alert(1)>"'`
	d.Head.Source, d.Classes[0].Name, d.Failures[0] = attack, attack, attack
	d.Classes[3].Examples[0].Title, d.Classes[3].Examples[0].Diffs[0].Cells[0].Column = attack, attack
	d.Coverage.Never[0], d.Coverage.Maps[0].Rows[0].Name = attack, attack
	var b bytes.Buffer
	if err := d.HTML(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<img") {
		t.Error("a name became markup")
	}
}
