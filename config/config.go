// Package config reads fraiseql.yaml: settings, and what the GraphQL schema is to
// be like.
//
//	settings:                      # by the names of their flags
//	  addr: 127.0.0.1:8000
//	  cors-origins: [https://app.example.com]
//	graphql:                       # graphql.Config
//	  tables:
//	    users:
//	      columns:
//	        password: {omit: true}
//
// A flag wins over the environment, which wins over the file, which wins over the
// default. Nothing of a file is passed over: a key that is unknown or there twice
// and a value of the wrong type are errors, each with its line, all at once.
//
// Import direction: flags and graphql.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/fraiseql/fraiseql-go/flags"
	"github.com/fraiseql/fraiseql-go/graphql"
)

// DefaultName is the file that is read where none is named.
const DefaultName = "fraiseql.yaml"

// maxFile bounds a file, in bytes.
const maxFile = 4 << 20

// File is what a configuration file says. The zero value says nothing.
type File struct {
	Settings flags.File
	GraphQL  graphql.Config
}

// FromEnv reads the settings of the process's environment and of the file that
// FRAISEQL_CONFIG names, or of DefaultName in the working directory where there is
// one.
func FromEnv(o ...flags.Option) (*flags.Settings, graphql.Config, error) {
	file, fileErr := Read(os.Getenv("FRAISEQL_CONFIG"))
	s, err := flags.FromEnv(append([]flags.Option{flags.WithFile(file.Settings)}, o...)...)
	if err = errors.Join(fileErr, err); err != nil {
		return nil, graphql.Config{}, err
	}
	return s, file.GraphQL, nil
}

// Read reads the file at path, which has to be there. Where path is "" it reads
// DefaultName in the working directory, which does not. The error is that of
// Parse, or says why the file cannot be read.
func Read(path string) (File, error) {
	name := path
	if name == "" {
		name = DefaultName
	}
	data, err := readFile(name)
	if path == "" && errors.Is(err, fs.ErrNotExist) {
		return File{}, nil
	}
	if err != nil {
		return File{}, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(name, data)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the operator names it
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read-only
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFile)
	}
	return data, err
}
