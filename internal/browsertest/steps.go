package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The window, in CSS pixels: what a laptop has left for a page.
const (
	width  = 1360
	height = 765
)

const editor = ".graphiql-query-editor .monaco-editor"

type action = chromedp.Action[chromedp.Void]

// call is a command of the protocol of which the answer does not matter.
func call[P, R any](command cdp.Command[P, R], params P) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// named bounds a, and says in its error what it waited for.
func named(what string, a action) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		ctx, cancel := context.WithTimeout(ctx, stepLimit)
		defer cancel()
		if _, err := a(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	})
}

// scheme has the browser ask for pages that are light or dark.
func scheme(name string) action {
	return call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// typed replaces what the editor holds by text.
func typed(text string) action {
	return named("typing the query", chromedp.Steps(
		chromedp.Click(chromedp.CSS(editor+" .view-lines")),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		chromedp.KeyEvent(kb.Delete),
		call(input.InsertText, input.InsertTextParams{Text: text}),
		// Completion may have opened over what comes next.
		chromedp.KeyEvent(kb.Escape),
	))
}

// pretty has the query laid out, and waits for its second line.
func pretty() action {
	return named("the button that lays out the query", chromedp.Steps(
		chromedp.Click(chromedp.CSS(`button[aria-label^="Prettify"]`)),
		chromedp.WaitVisible(chromedp.CSS(editor+" .view-line:nth-child(2)")),
		chromedp.Click(chromedp.CSS(editor+" .view-lines")),
		chromedp.KeyEvent(kb.Home, chromedp.KeyModifiers(chromedp.ModifierCtrl)),
	))
}

// seen waits until an element that selector finds has want in its text. Spaces
// of any kind and number are one: Monaco draws with its own.
func seen(what, selector, want string) action {
	const script = `(selector, want) => {
		const plain = (s) => s.replace(/\s+/gu, ' ');
		return [...document.querySelectorAll(selector)].some((e) => plain(e.textContent).includes(plain(want)));
	}`
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		poll := chromedp.PollFunction[bool](script, chromedp.WithPollingArgs(selector, want), chromedp.WithPollingTimeout(stepLimit))
		_, err := poll(ctx, t)
		if err == nil {
			return nil
		}
		has, _ := chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.textContent ?? 'nothing'", selector))(ctx, t)
		return fmt.Errorf("%s: waiting for %q in %s, which has %q: %w", what, want, selector, has, err)
	})
}

// documentation opens the documentation and goes along types, to docs.
func documentation(types []string, docs string) action {
	const panel = ".graphiql-doc-explorer"
	steps := []action{
		chromedp.Click(chromedp.CSS(`button[aria-label="Show Documentation Explorer"]`)),
		chromedp.WaitVisible(chromedp.CSS(panel)),
	}
	for _, name := range types {
		link := fmt.Sprintf("(//*[contains(@class, 'graphiql-doc-explorer')]//a[normalize-space()='%s'])[1]", name)
		steps = append(steps,
			named("the link "+name, chromedp.Click(link)),
			seen("the page of "+name, panel, name))
	}
	return named("the documentation", chromedp.Steps(append(steps, seen("its last page", panel, docs))...))
}

// typo replaces the query by text, and waits for the mark below it: it comes
// from a worker, which has to have the schema.
func typo(text string) action {
	if text == "" {
		return chromedp.Steps()
	}
	return chromedp.Steps(
		typed(text),
		named("the mark below a mistake", chromedp.WaitVisible(chromedp.CSS(editor+" .squiggly-error"))),
	)
}

// completion replaces the query by text, asks for completion at its end, and
// waits for offer.
func completion(text, offer string) action {
	if text == "" {
		return chromedp.Steps()
	}
	return chromedp.Steps(
		typed(text),
		chromedp.KeyEvent(" ", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
		seen("completion", ".suggest-widget", offer),
	)
}

// settled ends when two frames have been drawn and no transition runs. A cursor
// that blinks never ends, hence the filter.
const settled = `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
	Promise.allSettled(document.getAnimations().filter((a) => a.effect.getTiming().iterations !== Infinity).map((a) => a.finished)).then(() => done()))))`

// screenshots writes what is seen to folder, in light and in dark.
func screenshots(folder string) action {
	if folder == "" {
		return chromedp.Steps()
	}
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, name := range []string{"light", "dark"} {
			before := chromedp.Steps(
				scheme(name),
				// The pointer must not stand on anything.
				chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 0, height-1),
				chromedp.Evaluate[chromedp.Void](settled, chromedp.EvalAwaitPromise),
			)
			if _, err := before(ctx, t); err != nil {
				return fmt.Errorf("the screenshot of %s: %w", name, err)
			}
			png, err := chromedp.CaptureScreenshot()(ctx, t)
			if err != nil {
				return fmt.Errorf("the screenshot of %s: %w", name, err)
			}
			if err := os.WriteFile(filepath.Join(folder, "graphiql-"+name+".png"), png, 0o600); err != nil {
				return err
			}
		}
		return nil
	})
}

// text is all that the browser says of an exception.
func text(e *runtime.ExceptionDetails) string {
	if e.Exception == nil {
		return e.Text
	}
	return e.Text + " " + e.Exception.Description
}
