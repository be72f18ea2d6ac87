// Package browsertest uses GraphiQL as a person does, in a headless Chromium
// that tests drive over the DevTools protocol.
//
// Where there is no Chromium the test is skipped, with the way to get one.
// .ci/run installs it and then sets FRAISEQL_TEST_BROWSER=required, and a skip is
// a failure.
package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// limit bounds one visit, the start of the browser included, and stepLimit what
// a person would wait for at once.
const (
	limit     = 2 * time.Minute
	stepLimit = 30 * time.Second
)

// Visit is what to do on a page of GraphiQL, and what has to be seen.
type Visit struct {
	URL   string // of the page
	Title string // of its window
	// Query is typed into the editor in one line, as the editor indents what
	// stands on more, made pretty by the button for it, and run by the other. A
	// part of the answer, as it stands in the result pane, is Want. The pane
	// draws only the lines that fit, some 25.
	Query string
	Want  string
	// Types are names to click on in the documentation, one after another from
	// its first page, each on the page that the one before opened. Docs has
	// to be seen on the last.
	Types []string
	Docs  string
	// Typo is typed in place of Query at the end: the editor has to mark what
	// the schema does not have. "" leaves this out.
	Typo string
	// Begun is typed after that, and Offer is what completion has to propose. ""
	// leaves this out.
	Begun, Offer string
	// Screenshots is the folder that gets graphiql-light.png and
	// graphiql-dark.png; "" is none.
	Screenshots string
}

// Browse makes the visit v. It fails t if something is not seen in time, if the
// page asks another origin for anything, if a request fails, or if the browser
// reports an error or a warning, which a break of the page's own policy is too.
func Browse(t *testing.T, v Visit) {
	t.Helper()
	ctx := start(t)
	saw := watch(ctx, t, v.URL)
	err := chromedp.Do(ctx,
		call(network.Enable, network.EnableParams{}),
		chromedp.EmulateViewport(width, height),
		scheme("light"),
		chromedp.Navigate(v.URL),
		seen("the title", "title", v.Title),
		named("the editor", chromedp.WaitVisible(chromedp.CSS(editor+" .view-line"))),
		typed(v.Query),
		pretty(),
		named("the button", chromedp.Click(chromedp.CSS(".graphiql-execute-button"))),
		seen("the answer", ".result-window .view-lines", v.Want),
		documentation(v.Types, v.Docs),
		screenshots(v.Screenshots),
		scheme("dark"),
		named("the editor in the dark", chromedp.WaitVisible(chromedp.CSS(editor+".vs-dark"))),
		typo(v.Typo),
		completion(v.Begun, v.Offer),
	)
	if err != nil {
		picture := filepath.Join(t.ArtifactDir(), "failed.png")
		if shot, shotErr := chromedp.Run(ctx, chromedp.CaptureScreenshot()); shotErr == nil && os.WriteFile(picture, shot, 0o600) == nil {
			t.Logf("what the browser shows: %s (kept with go test -artifacts)", picture)
		}
		t.Errorf("GraphiQL: %v", err)
	}
	for _, problem := range saw.problems() {
		t.Errorf("GraphiQL: %s", problem)
	}
}

// start starts a browser without a past, which ends with t.
func start(t *testing.T) context.Context {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		const help = "no chromium on the PATH (Debian: apt-get install chromium)"
		if os.Getenv("FRAISEQL_TEST_BROWSER") == "required" {
			t.Fatal(help + ", and FRAISEQL_TEST_BROWSER requires one")
		}
		t.Skip(help + ": GraphiQL is not tested in a browser")
	}
	options := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, // root has none, and the only page is ours
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("force-color-profile", "srgb"),
		// No name leads anywhere: what asks for another host finds none.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	})
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(stop)
	ctx, leave := chromedp.NewContext(ctx)
	t.Cleanup(leave)
	return ctx
}

// record is what the browser reported. Its functions may be called at any time.
type record struct {
	mu   sync.Mutex
	list []string
}

func (r *record) addf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, fmt.Sprintf(format, args...))
}

func (r *record) problems() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

// watch records what is wrong on the page at address, from now on.
func watch(ctx context.Context, t *testing.T, address string) *record {
	t.Helper()
	r := &record{}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if !sameOrigin(address, e.Request.URL) {
				r.addf("a request to another origin: %s", e.Request.URL)
			}
		case *network.EventResponseReceived:
			if e.Response.Status >= 400 {
				r.addf("%s was answered with %d", e.Response.URL, e.Response.Status)
			}
		case *network.EventLoadingFailed:
			if !e.Canceled {
				r.addf("a request failed: %s %s", e.ErrorText, e.BlockedReason)
			}
		case *runtime.EventExceptionThrown:
			r.addf("an exception: %s", text(e.ExceptionDetails))
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
				var words []string
				for _, a := range e.Args {
					words = append(words, string(a.Value)+a.Description)
				}
				r.addf("the console has: %s: %s", e.Type, strings.Join(words, " "))
			}
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
				r.addf("the browser says: %s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
			}
		}
	})
	if err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	return r
}

// sameOrigin says whether to is on the origin of the page, or is no place at
// all but data in the page.
func sameOrigin(from, to string) bool {
	a, errA := url.Parse(from)
	b, errB := url.Parse(to)
	if errA != nil || errB != nil {
		return false
	}
	return b.Scheme == "data" || b.Scheme == "blob" || (a.Scheme == b.Scheme && a.Host == b.Host)
}
