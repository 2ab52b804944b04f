package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"
)

// made is a release of a program that is small: what is around it is what is tested.
func made(t *testing.T) (*options, []program, string) {
	t.Helper()
	root, output := t.TempDir(), t.TempDir()
	for file, text := range map[string]string{
		"go.mod": "module example.com/small\n\ngo 1.26\n", "main.go": "package main\n\nfunc main() { println(\"hello\") }\n",
		"LICENSE": "l", "README.md": "r", "CHANGELOG.md": "c",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(root, file), []byte(text), 0o600))
	}
	o := &options{root: root, output: output, version: "v1.2.3", revision: "abc", platforms: []string{"linux/amd64", "linux/arm64", "darwin/arm64"}, when: time.Unix(1795730912, 0).UTC()}
	programs, err := build(t.Context(), o)
	require.NoError(t, err)
	require.NoError(t, writeArchives(o, programs))
	require.NoError(t, writeSBOM(o, programs))
	digest, err := writeImage(o, programs)
	require.NoError(t, err)
	require.NoError(t, writeSums(o))
	return o, programs, digest
}

// TestReproducible holds that another folder at another time gives the same bytes.
func TestReproducible(t *testing.T) {
	first, _, digest := made(t)
	second, _, again := made(t)
	require.Equal(t, digest, again)
	sums := func(o *options) string {
		text, err := os.ReadFile(filepath.Join(o.output, "SHA256SUMS"))
		require.NoError(t, err)
		return string(text)
	}
	require.Equal(t, sums(first), sums(second))
	for _, want := range []string{"  variant_exporter-1.2.3-linux-arm64.tar.gz\n", "  variant_exporter-1.2.3-darwin-arm64.cdx.json\n", "  oci/index.json\n", "  bin/linux-amd64/variant_exporter\n"} {
		require.Contains(t, sums(first), want)
	}
	if sha256sum, err := exec.LookPath("sha256sum"); err == nil {
		cmd := exec.CommandContext(t.Context(), sha256sum, "--check", "--strict", "--quiet", "SHA256SUMS")
		cmd.Dir = first.output
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

func TestImage(t *testing.T) {
	o, programs, digest := made(t)
	path, err := layout.FromPath(filepath.Join(o.output, "oci"))
	require.NoError(t, err)
	top, err := path.ImageIndex()
	require.NoError(t, err)
	manifest, err := top.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 1)
	require.Equal(t, digest, manifest.Manifests[0].Digest.String())
	require.Equal(t, "v1.2.3", manifest.Manifests[0].Annotations["org.opencontainers.image.ref.name"])
	index, err := top.ImageIndex(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	require.NoError(t, validate.Index(index))
	manifest, err = index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 2, "those for Linux")
	for i, d := range manifest.Manifests {
		image, err := index.Image(d.Digest)
		require.NoError(t, err)
		require.Equal(t, "linux/"+programs[i].arch, d.Platform.OS+"/"+d.Platform.Architecture)
		holds(t, image, programs[i])
	}
}

func holds(t *testing.T, image v1.Image, p program) {
	t.Helper()
	c, err := image.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, p.arch, c.Architecture)
	require.Equal(t, "65532:65532", c.Config.User)
	require.Equal(t, []string{"/variant_exporter"}, c.Config.Entrypoint)
	layers, err := image.Layers()
	require.NoError(t, err)
	require.Len(t, layers, 1)
	stream, err := layers[0].Uncompressed()
	require.NoError(t, err)
	files := map[string][]byte{}
	for r := tar.NewReader(stream); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		files[h.Name] = data
	}
	binary, err := os.ReadFile(p.file)
	require.NoError(t, err)
	require.True(t, bytes.Equal(binary, files["variant_exporter"]))
	require.Greater(t, strings.Count(string(files["etc/ssl/certs/ca-certificates.crt"]), "BEGIN CERTIFICATE"), 50)
}

func TestSBOM(t *testing.T) {
	o, _, _ := made(t)
	text, err := os.ReadFile(filepath.Join(o.output, "variant_exporter-1.2.3-linux-amd64.cdx.json"))
	require.NoError(t, err)
	var b bom
	require.NoError(t, json.Unmarshal(text, &b))
	require.Equal(t, "example.com/small", b.Metadata.Component.Name)
	require.Equal(t, "v1.2.3", b.Metadata.Component.Version)
	require.Equal(t, "std", b.Components[0].Name)
	c := module("example.com/m", "v1.0.0", "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
	require.Equal(t, []hash{{"SHA-256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}, c.Hashes)
	require.Equal(t, "pkg:golang/example.com/m@v1.0.0", c.PURL)
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{}, {"-version=v1"}, {"-version=v1", "-time=0"}, {"-bogus"}} {
		_, err := parse(args)
		require.Error(t, err, args)
	}
	o, err := parse([]string{"-version=v1", "-time=1795730912", "-platforms=linux/amd64"})
	require.NoError(t, err)
	require.Equal(t, []string{"linux/amd64"}, o.platforms)
}
