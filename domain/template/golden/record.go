// Records what Go's own text/template with Sprig answers to the cases of cases.json, into the same file.
//
// To record again, in this folder: go run . && npx oxfmt cases.json
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

const file = "cases.json"

type recording struct {
	// What every template is given.
	Data   json.RawMessage `json:"data"`
	Groups []group         `json:"groups"`
}

type group struct {
	Name  string     `json:"name"`
	Cases []*example `json:"cases"`
}

type example struct {
	Template string  `json:"template"`
	Go       outcome `json:"go"`
	// What we answer where that is something else on purpose, and why.
	Ours *outcome `json:"ours,omitempty"`
	Why  string   `json:"why,omitempty"`
}

type outcome struct {
	Output *string `json:"output,omitempty"`
	Error  *string `json:"error,omitempty"`
}

func main() {
	before, err := os.ReadFile(file)
	check(err)
	var all recording
	check(json.Unmarshal(before, &all))
	data := read(all.Data)
	for _, group := range all.Groups {
		for _, c := range group.Cases {
			c.Go = render(c.Template, data)
		}
	}
	var after bytes.Buffer
	encoder := json.NewEncoder(&after)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	check(encoder.Encode(all))
	check(os.WriteFile(file, after.Bytes(), 0o644))
}

func render(source string, data any) outcome {
	functions := sprig.TxtFuncMap()
	functions["required"] = required
	parsed, err := template.New("case").Funcs(functions).Parse(source)
	var text strings.Builder
	if err == nil {
		err = parsed.Execute(&text, data)
	}
	if err != nil {
		message := err.Error()
		return outcome{Error: &message}
	}
	output := text.String()
	return outcome{Output: &output}
}

// As Helm has it: Sprig has none.
func required(warning string, value any) (any, error) {
	if text, ok := value.(string); value == nil || ok && text == "" {
		return value, errors.New(warning)
	}
	return value, nil
}

// JSON as a Go program would hold it: whole numbers as int.
func read(source []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(source))
	decoder.UseNumber()
	var value any
	check(decoder.Decode(&value))
	return plain(value)
}

func plain(value any) any {
	switch value := value.(type) {
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return int(whole)
		}
		fraction, err := value.Float64()
		check(err)
		return fraction
	case []any:
		for i := range value {
			value[i] = plain(value[i])
		}
	case map[string]any:
		for key := range value {
			value[key] = plain(value[key])
		}
	}
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
