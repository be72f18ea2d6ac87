package shadow

import (
	"fmt"
	"slices"
)

// Stage is how far a migration has come. The zero Stage is StageOff.
type Stage uint8

// The stages, in their order.
const (
	// StageOff: the control alone, and nothing else exists.
	StageOff Stage = iota
	// StageDescribe: statements are described on the candidate, reads and writes, and none
	// is executed there.
	StageDescribe
	// StageShadow: reads run on the candidate too, and are compared; writes are described.
	StageShadow
	// StageLive: the candidate answers and the control shadows it. A read whose connection
	// fails is answered by the control; a write is never run again.
	StageLive
	// StageDone: the candidate alone.
	StageDone
)

var stageNames = []string{"off", "describe", "shadow", "live", "done"}

// Stages are the names of all stages, in their order.
func Stages() []string { return slices.Clone(stageNames) }

// ParseStage is the Stage of that name.
func ParseStage(name string) (Stage, error) {
	if i := slices.Index(stageNames, name); i >= 0 {
		return Stage(i), nil
	}
	return StageOff, fmt.Errorf("stage %.32q: want one of %v", name, stageNames)
}

// String is the name: "off", "describe", "shadow", "live" or "done".
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return fmt.Sprintf("stage %d", uint8(s))
}

// MarshalText makes a Stage its name in JSON.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads it back.
func (s *Stage) UnmarshalText(text []byte) error {
	parsed, err := ParseStage(string(text))
	*s = parsed
	return err
}
