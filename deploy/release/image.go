package main

import (
	"bytes"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is that of deploy/'s pods.
const user = "65532:65532"

// writeImage makes an OCI image layout of the programs for Linux. The digest is that of its index: the same for the same programs.
func writeImage(o *options, programs []program) (digest string, err error) {
	index := v1.ImageIndex(mutate.IndexMediaType(empty.Index, types.OCIImageIndex))
	for _, p := range programs {
		if p.os != "linux" {
			continue
		}
		binary, err := os.ReadFile(p.file)
		if err != nil {
			return "", err
		}
		image, err := imageOf(o, p, binary)
		if err != nil {
			return "", err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}},
		})
	}
	path, err := layout.Write(filepath.Join(o.output, "oci"), empty.Index)
	if err != nil {
		return "", err
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": o.version})); err != nil {
		return "", err
	}
	d, err := index.Digest()
	return d.String(), err
}

// imageOf is a program with the roots of certificates that it needs to reach a Prometheus by TLS, and nothing else.
func imageOf(o *options, p program, binary []byte) (v1.Image, error) {
	files, err := tarOf([]entry{
		{"etc/", 0o755, nil}, {"etc/passwd", 0o644, []byte("nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n")},
		{"etc/ssl/", 0o755, nil}, {"etc/ssl/certs/", 0o755, nil}, {"etc/ssl/certs/ca-certificates.crt", 0o644, roots()},
		{"tmp/", 0o1777, nil}, {name, 0o755, binary},
	}, o.when)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil }, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		return nil, err
	}
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: p.os, Architecture: p.arch, Created: v1.Time{Time: o.when}, RootFS: rootFS(layer), History: []v1.History{{Created: v1.Time{Time: o.when}, CreatedBy: "make release"}},
		Config: v1.Config{
			User: user, Entrypoint: []string{"/" + name}, Cmd: []string{"serve", "--config.file=/etc/variant_exporter/variant_exporter.yml", "--web.listen-address=:18270"},
			ExposedPorts: map[string]struct{}{"18270/tcp": {}}, WorkingDir: "/",
			Labels: map[string]string{
				"org.opencontainers.image.title": name, "org.opencontainers.image.version": o.version, "org.opencontainers.image.revision": o.revision,
				"org.opencontainers.image.source": "https://github.com/variant-exporter/variant-exporter", "org.opencontainers.image.licenses": "Apache-2.0",
			},
		},
	})
	return image, err
}

func rootFS(layer v1.Layer) v1.RootFS {
	id, err := layer.DiffID()
	if err != nil {
		return v1.RootFS{}
	}
	return v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{id}}
}

// roots are Mozilla's, of the version in go.mod, so that they do not depend on the machine.
func roots() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // A buffer takes everything.
	}
	return b.Bytes()
}
