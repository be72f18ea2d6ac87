package pgembed

import (
	"context"
	"errors"
	"fmt"
)

const defaultRepository = "https://repo1.maven.org/maven2"

// binaries finds the server binaries: WithBinDir, this machine, a download.
func (c *config) binaries(ctx context.Context, as *account) (Binaries, error) {
	if c.binDir != "" {
		b, err := newest(ctx, []string{c.binDir}, as)
		if err == nil && b.Dir == "" {
			err = errors.New("no postgres and initdb there")
		}
		if err != nil {
			return Binaries{}, fmt.Errorf("use the PostgreSQL in %s: %w", c.binDir, err)
		}
		return b, nil
	}
	b, local := newest(ctx, c.search(), as)
	if local == nil && b.Dir != "" {
		return b, nil
	}
	return Binaries{}, local
}
