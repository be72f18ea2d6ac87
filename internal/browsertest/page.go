package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// View is how a page is looked at.
type View struct {
	Scheme string // light or dark
	Width  int    // of the window, in CSS pixels
	File   string // gets a picture of the whole page; "" is none
}

// Look opens a page that stands for itself in every view, and runs checks in the
// first: each is an expression of JavaScript that has to be true. It fails t if the
// page is wider than the window, asks for anything, or makes the browser
// complain.
func Look(t *testing.T, html string, views []View, checks []string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Errorf("the page asks for %s", r.URL)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(html))
	}))
	t.Cleanup(server.Close)
	ctx := start(t)
	saw := watch(ctx, t, server.URL)
	steps := []action{call(network.Enable, network.EnableParams{})}
	for i, v := range views {
		steps = append(steps, scheme(v.Scheme), chromedp.EmulateViewport(int64(v.Width), 900), chromedp.Navigate(server.URL), fits(v))
		if i == 0 {
			for _, c := range checks {
				steps = append(steps, holds(c))
			}
			steps = append(steps, chromedp.Navigate(server.URL))
		}
		if v.File != "" {
			steps = append(steps, picture(v))
		}
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Errorf("the page: %v", err)
	}
	for _, problem := range saw.problems() {
		t.Errorf("the page: %s", problem)
	}
}

// fits wants a page that need not be moved sideways.
func fits(v View) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		wide, err := chromedp.Evaluate[int]("document.documentElement.scrollWidth")(ctx, t)
		if err == nil && wide > v.Width {
			err = fmt.Errorf("the page is %d wide in a window of %d", wide, v.Width)
		}
		return err
	})
}

func holds(check string) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		ok, err := chromedp.Evaluate[bool](check)(ctx, t)
		if err == nil && !ok {
			err = fmt.Errorf("not true: %s", check)
		}
		return err
	})
}

// picture writes the whole page to v.File.
func picture(v View) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		high, err := chromedp.Evaluate[int]("document.documentElement.scrollHeight")(ctx, t)
		if err != nil {
			return err
		}
		before := chromedp.Steps(
			call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: int64(v.Width), Height: int64(high), DeviceScaleFactor: 1}),
			chromedp.Evaluate[chromedp.Void](settled, chromedp.EvalAwaitPromise),
		)
		if _, err := before(ctx, t); err != nil {
			return err
		}
		png, err := chromedp.CaptureScreenshot()(ctx, t)
		if err != nil {
			return err
		}
		return os.WriteFile(v.File, png, 0o600)
	})
}
