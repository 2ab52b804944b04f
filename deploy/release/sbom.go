package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bom is a bill of materials in CycloneDX 1.6.
type bom struct {
	Format     string      `json:"bomFormat"`
	Version    string      `json:"specVersion"`
	Number     int         `json:"version"`
	Metadata   bomMetadata `json:"metadata"`
	Components []component `json:"components"`
}

type bomMetadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	Hashes  []hash `json:"hashes,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

func module(path, version, sum string) component {
	c := component{Type: "library", Name: path, Version: version, PURL: fmt.Sprintf("pkg:golang/%s@%s", path, version)}
	c.Ref = c.PURL
	// h1: is the SHA-256 of a list of all files of a module.
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(sum, "h1:")); err == nil && strings.HasPrefix(sum, "h1:") {
		c.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
	}
	return c
}

// writeSBOM lists the modules that each program is made of, as it says itself.
func writeSBOM(o *options, programs []program) error {
	for _, p := range programs {
		info, err := buildinfo.ReadFile(p.file)
		if err != nil {
			return err
		}
		main := module(info.Main.Path, o.version, "")
		main.Type = "application"
		b := bom{
			Format: "CycloneDX", Version: "1.6", Number: 1,
			Metadata:   bomMetadata{o.when.Format(time.RFC3339), main},
			Components: []component{module("std", strings.TrimPrefix(info.GoVersion, "go"), "")},
		}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			b.Components = append(b.Components, module(d.Path, d.Version, d.Sum))
		}
		text, err := json.MarshalIndent(b, "", "  ")
		if err != nil {
			return err
		}
		file := fmt.Sprintf("%s-%s-%s.cdx.json", name, strings.TrimPrefix(o.version, "v"), p.platform())
		if err := os.WriteFile(filepath.Join(o.output, file), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}
