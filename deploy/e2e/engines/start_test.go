package engines_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/variant-exporter/variant-exporter/deploy/e2e/cluster"
	"github.com/variant-exporter/variant-exporter/deploy/e2e/process"
)

// patience is how long a program may take to answer, on a machine that does other things.
const patience = 60 * time.Second

// bench starts programs, each on ports that nothing else has: this process has a network of its own.
type bench struct {
	dir   string
	group *process.Group
	ports int
	bin   map[string]string
}

// exporterVariable says where the exporter is that was built for this test.
const exporterVariable = "ENGINES_EXPORTER"

// newBench finds the engines, or skips the test where one is not built.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), ports: 20000, bin: map[string]string{}}
	for _, part := range []string{"victoria-metrics", "thanos", "prometheus"} {
		out, err := exec.CommandContext(t.Context(), "../build.sh", "--directory", part).Output()
		must(t, err)
		b.bin[part] = filepath.Join(strings.TrimSpace(string(out)), part)
		if _, err := os.Stat(b.bin[part]); err != nil {
			t.Skipf("%s is not built, make engines does that", part)
		}
	}
	var err error
	if b.bin["prometheus-2"], err = exec.LookPath("prometheus"); err != nil {
		t.Skip("there is no Prometheus on PATH")
	}
	b.bin["variant_exporter"] = os.Getenv(exporterVariable)
	logs, err := os.MkdirTemp("", "variant_exporter-engines-") //nolint:usetesting // It must outlive a test that fails.
	must(t, err)
	b.group = process.NewGroup(logs)
	t.Cleanup(func() {
		b.group.Stop()
		if t.Failed() {
			t.Logf("what the programs said is in %s", logs)
			return
		}
		must(t, os.RemoveAll(logs))
	})
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// address is one that is free.
func (b *bench) address() string {
	b.ports++
	return fmt.Sprintf("127.0.0.1:%d", b.ports)
}

// start runs a program, and waits until it answers at a path, if one is given.
func (b *bench) start(t *testing.T, name, program, ready string, args ...string) *process.Process {
	t.Helper()
	p, err := b.group.Start(process.Command{Name: name, Path: b.bin[program], Args: args})
	must(t, err)
	eventually(t, name+" answers", patience, func() error {
		if err := p.Err(); err != nil {
			t.Fatal(err)
		}
		return cluster.Answers(ready)(t.Context())
	})
	return p
}

// eventually waits until a condition is met, and fails the test with the last reason why it was not.
func eventually(t *testing.T, what string, within time.Duration, condition func() error) {
	t.Helper()
	deadline := time.Now().Add(within)
	for {
		err := condition()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", within, what, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// prometheus starts a Prometheus that is written to. The external labels are those by which Thanos tells it from others.
func (b *bench) prometheus(t *testing.T, name, program, labels string) (string, *process.Process) {
	t.Helper()
	config := filepath.Join(b.dir, name+".yml")
	must(t, os.WriteFile(config, []byte("global:\n  external_labels: "+labels+"\n"), 0o600))
	address := b.address()
	p := b.start(t, name, program, "http://"+address+"/-/ready",
		"--config.file="+config, "--storage.tsdb.path="+filepath.Join(b.dir, name), "--web.listen-address="+address,
		"--web.enable-remote-write-receiver")
	return "http://" + address, p
}

// victoriaMetrics starts a single node.
func (b *bench) victoriaMetrics(t *testing.T, name string) string {
	t.Helper()
	address := b.address()
	b.start(t, name, "victoria-metrics", "http://"+address+"/health",
		"-storageDataPath="+filepath.Join(b.dir, name), "-httpListenAddr="+address, "-retentionPeriod=1d", "-loggerLevel=WARN")
	return "http://" + address
}

// sidecar starts what gives Thanos the samples of a Prometheus, and returns the address of its store.
func (b *bench) sidecar(t *testing.T, name, prometheus string) (string, *process.Process) {
	t.Helper()
	store, web := b.address(), b.address()
	p := b.start(t, name, "thanos", "http://"+web+"/-/ready", "sidecar", "--log.level=warn",
		"--prometheus.url="+prometheus, "--tsdb.path="+b.dir, "--grpc-address="+store, "--http-address="+web)
	return store, p
}

// query starts Thanos Query over stores, each with the flag that names it.
func (b *bench) query(t *testing.T, name, flag string, stores ...string) string {
	t.Helper()
	grpc, web := b.address(), b.address()
	args := []string{
		"query", "--log.level=warn", "--grpc-address=" + grpc, "--http-address=" + web, "--query.replica-label=replica",
	}
	for _, store := range stores {
		args = append(args, flag+"="+store)
	}
	b.start(t, name, "thanos", "http://"+web+"/-/ready", args...)
	return "http://" + web
}

// exporter starts the exporter with the configuration of the scene, and returns where its metrics are.
func (b *bench) exporter(t *testing.T, name, prometheus string) string {
	t.Helper()
	parsed, err := template.ParseFiles("testdata/variant_exporter.yml.tmpl")
	must(t, err)
	path := filepath.Join(b.dir, name+"-exporter.yml")
	file, err := os.Create(path)
	must(t, err)
	must(t, parsed.Execute(file, prometheus))
	must(t, file.Close())
	address := b.address()
	b.start(t, name+"-exporter", "variant_exporter", "http://"+address+"/-/healthy",
		"serve", "--config.file="+path, "--web.listen-address="+address, "--web.disable-exporter-metrics")
	return "http://" + address + "/metrics"
}
