package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// What a user asks: a request takes two seconds.
const (
	promptTokens = 200
	maxTokens    = 100
	// retry is how long a user waits before asking again after a failure.
	retry = 100 * time.Millisecond
)

// SetUsers makes so many users ask, each again as soon as there is an answer: the number of requests that are held or served is
// the number of users.
func (p *Pool) SetUsers(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.users) > n {
		last := len(p.users) - 1
		p.users[last]()
		p.users = p.users[:last]
	}
	for len(p.users) < n {
		user, leave := context.WithCancel(context.Background())
		p.users = append(p.users, leave)
		go p.ask(user)
	}
}

func (p *Pool) ask(ctx context.Context) {
	for ctx.Err() == nil {
		e, err := p.acquire(ctx)
		if err != nil {
			return
		}
		err = p.send(ctx, e)
		p.release(e)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(retry):
			}
		}
	}
}

// send makes one request, which fails when its server is removed.
func (p *Pool) send(ctx context.Context, e *endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	defer context.AfterFunc(e.gone, cancel)()
	body := fmt.Sprintf(`{"model":%q,"prompt_tokens":%d,"max_tokens":%d}`, p.model, promptTokens, maxTokens)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/v1/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", e.name, response.Status)
	}
	return nil
}
