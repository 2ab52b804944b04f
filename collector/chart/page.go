package chart

import (
	"embed"
	"fmt"
	"html/template"
)

//go:embed style.css chart.js figure.html page.html uplot/uPlot.iife.min.js uplot/uPlot.min.css uplot/LICENSE
var files embed.FS

// File is a file that pages load: style.css, chart.js, or one of uplot/.
func File(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // The file is part of the program.
	}
	return content
}

// Figure is the template of a chart, by the name of "chart".
func Figure() string { return string(File("figure.html")) }

// NewPage returns a page that needs nothing but itself: "page" is the template to execute, and text defines what stands in it as "title"
// and "content".
func NewPage(text string) (*template.Template, error) {
	own := template.FuncMap{
		"styles": func() template.CSS {
			return template.CSS(string(File("uplot/uPlot.min.css")) + string(File("style.css")))
		}, //nolint:gosec // part of the program
		"script": func() template.JS { //nolint:gosec // part of the program
			return template.JS("/*!\n" + string(File("uplot/LICENSE")) + "*/\n" + string(File("uplot/uPlot.iife.min.js")) + string(File("chart.js")))
		},
	}
	page, err := template.New("").Funcs(Functions()).Funcs(own).Parse(string(File("page.html")))
	for _, part := range []string{Figure(), text} {
		if err == nil {
			page, err = page.Parse(part)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read a page's template: %w", err)
	}
	return page, nil
}
