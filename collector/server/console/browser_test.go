package console_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/variant-exporter/variant-exporter/internal/long"
)

// browser is a Chromium that tests look through. Whatever its console says is an error of the page.
type browser struct {
	context.Context //nolint:containedctx // it is the browser, as chromedp has it

	mu   sync.Mutex
	said []string
}

// newBrowser starts Chromium; the test is skipped where there is none.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	long.Test(t)
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		t.Skip("there is no Chromium on PATH: apt-get install chromium")
	}
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(chromedp.ExecPath(program), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("font-render-hinting", "none")))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 8*time.Minute)
	t.Cleanup(cancel)
	b := &browser{Context: ctx}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.said = append(b.said, m.String())
			b.mu.Unlock()
		}
	}()
	return b
}

// quiet requires that the console of the browser has said nothing since it was asked last.
func (b *browser) quiet(t *testing.T, where string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(t, b.said, where)
	b.said = nil
}

// do runs steps.
func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(b, steps...))
}

// open opens a page.
func (b *browser) open(t *testing.T, address string) {
	t.Helper()
	b.do(t, chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("#content")))
}

// text is the text of an element. It is read in one step: an element that was found may be replaced, or its page left, before it is asked.
func (b *browser) text(t *testing.T, selector string) string {
	t.Helper()
	var text string
	require.Eventually(t, func() bool {
		found, err := chromedp.Run(b, chromedp.Evaluate[[]string](fmt.Sprintf("[...document.querySelectorAll(%q)].map((e) => e.innerText)", selector)))
		if err != nil || len(found) == 0 {
			return false
		}
		text = found[0]
		return true
	}, waitFor, 20*time.Millisecond, selector)
	return strings.Join(strings.Fields(text), " ")
}

// eval is the value of an expression in the page.
func eval[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	value, err := chromedp.Run(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	return value
}

// Sizes of windows.
type window struct {
	name          string
	width, height int64
}

func windows() []window { return []window{{"desktop", 1280, 900}, {"phone", 390, 844}} }

// wear sets the size and the colours.
func (b *browser) wear(t *testing.T, w window, scheme string) {
	t.Helper()
	_, err := chromedp.Call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: w.width, Height: w.height, DeviceScaleFactor: 1, Mobile: w.name == "phone",
	})
	require.NoError(t, err)
	_, err = chromedp.Call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	require.NoError(t, err)
}

// fits requires that a page becomes no wider than its window: charts follow its size when the browser next lays the page out.
func (b *browser) fits(t *testing.T, w window, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		width, err := chromedp.Run(b, chromedp.Evaluate[int64]("document.documentElement.scrollWidth"))
		return err == nil && width <= w.width
	}, waitFor, 20*time.Millisecond, "%s is wider than a %s", name, w.name)
}

// shoot keeps a picture of the whole page where CONSOLE_SCREENSHOTS names a folder.
func (b *browser) shoot(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("CONSOLE_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(dir, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
}
