package shadow

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// stageVariable is what a line of the kill file may set.
const stageVariable = "FRAISEQL_SHADOW_STAGE"

// readKillFile is the highest stage that the kill file allows. A file that can't
// be read allows none: somebody wants it to be off.
func (s *Shadow) readKillFile() Stage {
	if s.opt.killFile == "" {
		return StageDone
	}
	text, err := os.ReadFile(s.opt.killFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return StageDone
	case err != nil:
		return StageOff
	}
	for line := range strings.Lines(string(text)) {
		name, value, found := strings.Cut(strings.TrimSpace(line), "=")
		if !found || strings.TrimSpace(strings.TrimPrefix(name, "export ")) != stageVariable {
			continue
		}
		stage, err := ParseStage(strings.Trim(strings.TrimSpace(value), `"'`))
		if err != nil {
			return StageOff
		}
		return stage
	}
	return StageOff
}

// tickEvery is how often the kill file and the workers are looked at.
const tickEvery = 250 * time.Millisecond

// saveEvery is how often what was counted is kept.
const saveEvery = 10 * time.Second

// tick looks after what can change by itself, until ctx ends.
func (s *Shadow) tick(ctx context.Context) {
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	saved := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if stage := s.readKillFile(); stage != s.currentCeiling() {
				s.mu.Lock()
				s.ceiling = stage
				s.apply("the kill file allows " + stage.String()) //nolint:contextcheck // an engine has a life of its own
				s.mu.Unlock()
			}
			if e := s.engine.Load(); e != nil {
				e.tick(now)
			}
			if now.Sub(saved) > saveEvery {
				saved = now
				if err := s.count.save(s.opt.stateFile); err != nil {
					s.opt.log.Error("shadow: what was counted is not kept", "error", err)
				}
			}
		}
	}
}

func (s *Shadow) currentCeiling() Stage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ceiling
}
