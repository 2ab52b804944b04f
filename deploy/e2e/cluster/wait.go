package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

// interval between two looks at something that is waited for.
const interval = 100 * time.Millisecond

// Eventually waits, at most for a time, until a condition is met, and says why it was not when that takes too long. What waits for a
// program that has ended ends too.
func Eventually(ctx context.Context, what string, timeout time.Duration, condition func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, interval, timeout, true, func(ctx context.Context) (bool, error) {
		last = condition(ctx)
		if errors.Is(last, process.ErrEnded) {
			return false, last
		}
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("not within %s: %s: %w", timeout, what, last)
	}
	return nil
}

// Answers is a condition: that an HTTP address answers 200.
func Answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
		if err != nil {
			return fmt.Errorf("read the answer of %s: %w", url, err)
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s: %s", url, response.Status, body)
		}
		return nil
	}
}
