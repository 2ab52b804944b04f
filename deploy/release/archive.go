package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// entry is a file of an archive.
type entry struct {
	name string
	mode int64
	data []byte
}

// tarOf makes an archive in which all times are one, and nothing is this machine's.
func tarOf(entries []entry, when time.Time) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.data)), ModTime: when, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writeArchives packs each program with what belongs to it.
func writeArchives(o *options, programs []program) error {
	for _, p := range programs {
		folder := strings.Join([]string{name, strings.TrimPrefix(o.version, "v"), p.platform()}, "-")
		var entries []entry
		for _, file := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
			data, err := os.ReadFile(filepath.Join(o.root, file))
			if err != nil {
				return err
			}
			entries = append(entries, entry{folder + "/" + file, 0o644, data})
		}
		binary, err := os.ReadFile(p.file)
		if err != nil {
			return err
		}
		packed, err := tarOf(append(entries, entry{folder + "/" + name, 0o755, binary}), o.when)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(packed); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(o.output, folder+".tar.gz"), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeSums lists the checksums of all files, as sha256sum --check reads them.
func writeSums(o *options) error {
	var lines []string
	err := filepath.WalkDir(o.output, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		sum := sha256.New()
		if _, err := io.Copy(sum, file); err != nil {
			return err
		}
		relative, err := filepath.Rel(o.output, path)
		lines = append(lines, fmt.Sprintf("%x  %s\n", sum.Sum(nil), filepath.ToSlash(relative)))
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[66:], b[66:]) })
	return os.WriteFile(filepath.Join(o.output, "SHA256SUMS"), []byte(strings.Join(lines, "")), 0o644)
}
