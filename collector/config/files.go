package config

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/variant-exporter/variant-exporter/collector/config/strict"
)

// maxFile bounds a configuration file and the files that it names, in bytes.
const maxFile = 16 << 20

// pipeTime bounds how long a pipe is waited for.
const pipeTime = 10 * time.Second

// readFile reads a regular file. Opening a named pipe waits for a writer, and a device may never end.
func readFile(name string) ([]byte, error) {
	if err := regular(name); err != nil {
		return nil, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return readBounded(name, file)
}

// readFileOrPipe reads a file that the command line names, which may be a pipe, as of a shell's <(command). It waits for the writer for
// a limited time.
func readFileOrPipe(name string, limit time.Duration) ([]byte, error) {
	if info, err := os.Stat(name); err != nil || info.Mode().Type() != os.ModeNamedPipe {
		return readFile(name)
	}
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })
	for {
		text, err := readBounded(name, file)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && len(text) > 0:
			return nil, fmt.Errorf("%s: the pipe was not closed within %s by what writes it", name, limit)
		case err == nil && len(text) == 0, errors.Is(err, os.ErrDeadlineExceeded):
		default:
			return text, err
		}
		select { // No writer has opened it yet, or it was closed without a word.
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: nothing was written to the pipe within %s", name, limit)
		case <-time.After(limit / 100):
		}
	}
}

func readBounded(name string, from io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: larger than %d bytes", name, maxFile)
	}
	return text, err
}

// regular says why a file cannot be read as a whole.
func regular(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		if e, ok := errors.AsType[*os.PathError](err); ok {
			e.Op = "open" // as users know it
		}
		return err
	case info.IsDir():
		return fmt.Errorf("%s: a folder, where a file is expected", name)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: a pipe, socket or device, where a regular file is expected", name)
	}
	return nil
}

// clientFile is a file that the settings of an HTTP client name.
type clientFile struct {
	path, name  string
	certificate bool
}

// clientFiles lists the files that the settings of an HTTP client name.
func clientFiles(h *commonconfig.HTTPClientConfig) []clientFile {
	files := []clientFile{{"bearer_token_file", h.BearerTokenFile, false}}
	tls := func(path string, t *commonconfig.TLSConfig) {
		files = append(files, clientFile{path + ".ca_file", t.CAFile, true}, clientFile{path + ".cert_file", t.CertFile, true},
			clientFile{path + ".key_file", t.KeyFile, false})
	}
	tls("tls_config", &h.TLSConfig)
	if b := h.BasicAuth; b != nil {
		files = append(files, clientFile{"basic_auth.username_file", b.UsernameFile, false}, clientFile{"basic_auth.password_file", b.PasswordFile, false})
	}
	if a := h.Authorization; a != nil {
		files = append(files, clientFile{"authorization.credentials_file", a.CredentialsFile, false})
	}
	if o := h.OAuth2; o != nil {
		files = append(files, clientFile{"oauth2.client_secret_file", o.ClientSecretFile, false})
		tls("oauth2.tls_config", &o.TLSConfig)
	}
	if h.HTTPHeaders != nil {
		for name, header := range h.HTTPHeaders.Headers {
			for _, file := range header.Files {
				files = append(files, clientFile{"http_headers." + name + ".files", file, false})
			}
		}
	}
	return files
}

// checkFiles finds what is wrong with the files that the settings of HTTP clients name. A file that is not there may be on the machine on
// which the exporter runs: serve reports it.
func (c *Config) checkFiles() Diagnostics {
	var found Diagnostics
	check := func(at string, h *commonconfig.HTTPClientConfig) {
		for _, f := range clientFiles(h) {
			if err := f.check(); err != nil && !errors.Is(err, os.ErrNotExist) {
				found = append(found, c.ErrorAt(at+f.path, err.Error(), fileHint))
			}
		}
	}
	if c.Prometheus != nil {
		check("prometheus.http_config.", &c.Prometheus.HTTPConfig.HTTPClientConfig)
	}
	if c.embedded != nil {
		for i, job := range c.embedded.ScrapeConfigs {
			check(strict.Index(sectionScrapeConfigs, i)+".", &job.HTTPClientConfig)
		}
	}
	return found
}

const fileHint = "name a regular file that the exporter can read"

// maxSecret bounds a file with a secret, which goes into a header, in bytes.
const maxSecret = 64 << 10

// check says why a file cannot be what it is named as.
func (f clientFile) check() error {
	if f.name == "" {
		return nil
	}
	text, err := readFile(f.name)
	switch secret := strings.TrimSpace(string(text)); {
	case err != nil:
		return err
	case f.certificate && !x509.NewCertPool().AppendCertsFromPEM(text):
		return fmt.Errorf("%s: no certificate in PEM", f.name)
	case f.certificate || strings.HasSuffix(f.path, "key_file"):
	case secret == "":
		return fmt.Errorf("%s: nothing in it", f.name)
	case len(secret) > maxSecret:
		return fmt.Errorf("%s: larger than %d bytes, which go into no header", f.name, maxSecret)
	case !headerValue(secret):
		return fmt.Errorf("%s: a line break or control character, which goes into no header", f.name)
	}
	return nil
}

// Regular says why a file that another library reads as a whole cannot be read so: a pipe makes it wait, and a device may never end.
func Regular(name string) error { return regular(name) }

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// clientFiles finds what is wrong with the files that the settings of an HTTP client name. The path ends with a point, or is empty.
func (v *validator) clientFiles(at string, h *commonconfig.HTTPClientConfig) {
	for _, f := range clientFiles(h) {
		if err := f.check(); err != nil {
			v.Errorf(at+f.path, nil, "%v", err).Hint("%s", fileHint)
		}
	}
}

// httpClient finds what the library would refuse, or send wrongly, only when it is used. No value is repeated. The path ends with a point,
// or is empty.
func (v *validator) httpClient(at string, h *commonconfig.HTTPClientConfig) {
	v.tls(at+"tls_config", &h.TLSConfig)
	if o := h.OAuth2; o != nil {
		v.tls(at+"oauth2.tls_config", &o.TLSConfig)
		if u, err := url.Parse(o.TokenURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			v.Errorf(at+"oauth2.token_url", nil, "not the URL of a token endpoint").Hint("write it like https://idp.example/oauth2/token")
		}
	}
	if a := h.Authorization; a != nil && !headerValue(a.Type+string(a.Credentials)) || !headerValue(string(h.BearerToken)) {
		v.Errorf(at+"authorization", nil, "a line break or control character in a header").Hint("take it out; a block scalar is written with |-")
	}
	if h.HTTPHeaders != nil {
		v.httpHeaders(at, h.HTTPHeaders)
	}
}

// httpHeaders refuses names and values that no header can have.
func (v *validator) httpHeaders(at string, headers *commonconfig.Headers) {
	for name, header := range headers.Headers {
		sound := headerValue(strings.Join(header.Values, ""))
		for _, s := range header.Secrets {
			sound = sound && headerValue(string(s))
		}
		switch path := at + "http_headers." + name; {
		case !headerName.MatchString(name):
			v.Errorf(path, v.Key(path), "not the name of an HTTP header").Hint("letters, digits and hyphens")
		case !sound:
			v.Errorf(path, v.Key(path), "a line break or control character in a header").Hint("take it out; a block scalar is written with |-")
		}
	}
}

// headerValue reports whether a text can be sent as the value of a header.
func headerValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == '\x7f' })
}

// tls checks certificates that stand in the file itself.
func (v *validator) tls(path string, t *commonconfig.TLSConfig) {
	for key, text := range map[string]string{"ca": t.CA, "cert": t.Cert} {
		if text != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
			v.Errorf(strict.Join(path, key), nil, "no certificate in PEM").Hint("write the certificate itself, or name its file with %s_file", key)
		}
	}
}
