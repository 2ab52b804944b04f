package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// licenses are those that a module of the program may have, each with words that its text has and no other's.
var licenses = map[string]string{
	"Apache-2.0": "Apache License Version 2.0",
	"MIT":        "Permission is hereby granted, free of charge",
	"BSD":        "Redistribution and use in source and binary forms",
	"ISC":        "Permission to use, copy, modify, and/or distribute this software",
}

// copyleft are words of licences that ask for more. A module with two licences must not have one of these unnoticed.
var copyleft = regexp.MustCompile(`(?i)Mozilla Public License|GNU (Lesser |Affero )?General Public License|Server Side Public License|Business Source License`)

var space = regexp.MustCompile(`\s+`)

// TestLicenses holds that every module that is linked into the program has a licence of the list.
func TestLicenses(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", ".").Output()
	require.NoError(t, err, "go list")
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if path == "" || seen[path] {
			continue
		}
		seen[path] = true
		assert.Empty(t, unlicensed(t, dir), path)
	}
	assert.GreaterOrEqual(t, len(seen), 50, "modules")
}

// unlicensed says what is wrong with the licence of a module, or nothing.
func unlicensed(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, file := range files {
		name := strings.ToUpper(filepath.Base(file))
		if !strings.HasPrefix(name, "LICENSE") && !strings.HasPrefix(name, "LICENCE") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			continue // a folder
		}
		text := space.ReplaceAllString(string(data), " ")
		if found := copyleft.FindString(text); found != "" {
			return filepath.Base(file) + " has words of the " + found
		}
		for _, words := range licenses {
			if strings.Contains(text, words) {
				return ""
			}
		}
	}
	return "no licence of the list: Apache-2.0, MIT, BSD, ISC"
}
