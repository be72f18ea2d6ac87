package backend

import (
	"iter"
	"net/http"
)

// Code says what a caller can do about an error. One table (codes) decides the
// text of GraphQL's extensions.code, the HTTP status, the sentence that a client
// may see, and, through sqlstates, which SQLSTATE means what. The zero Code is
// CodeOK: no error.
type Code uint8

// The codes. Their order has no meaning; their text (String) is public API.
const (
	CodeOK                  Code = iota // no error
	CodeInternal                        // a bug, ours or the schema's; nothing that a client can mend
	CodeBadUserInput                    // a value or definition that can never work
	CodeConstraintViolation             // the data refuses it: unique, foreign key, check, not null, exclusion
	CodeForbidden                       // the role may not
	CodeNotFound                        // what was named does not exist
	CodeTimeout                         // deadline, statement_timeout
	CodeCanceled                        // the caller went away
	CodeConflict                        // met another transaction; the same again may work
	CodeServiceUnavailable              // no usable server or connection now
	CodeCommitUnknown                   // COMMIT was sent and its answer lost: perhaps written
	CodeLimit                           // a bound of ours or the server's was passed
	CodeConfiguration                   // settings, DSN, credentials: the operator's to mend
	CodeParityMismatch                  // the two backends answered differently
	codeCount
)

// codes is the one place that says how a Code looks from outside.
var codes = [codeCount]struct {
	text    string // GraphQL extensions.code
	status  int    // HTTP status of a request that failed as a whole
	message string // shown to clients: no SQL, host, DSN or value
}{
	CodeOK:                  {"OK", http.StatusOK, ""},
	CodeInternal:            {"INTERNAL_ERROR", http.StatusInternalServerError, "internal error"},
	CodeBadUserInput:        {"BAD_USER_INPUT", http.StatusBadRequest, "a value in the request is not valid"},
	CodeConstraintViolation: {"CONSTRAINT_VIOLATION", http.StatusConflict, "the change violates a constraint"},
	CodeForbidden:           {"FORBIDDEN", http.StatusForbidden, "permission denied"},
	CodeNotFound:            {"NOT_FOUND", http.StatusNotFound, "not found"},
	CodeTimeout:             {"TIMEOUT", http.StatusGatewayTimeout, "the operation took too long"},
	CodeCanceled:            {"CANCELED", 499, "the operation was canceled"}, // 499: nginx's "client closed request"; IANA has none
	CodeConflict:            {"CONFLICT", http.StatusConflict, "the operation conflicted with another; try again"},
	CodeServiceUnavailable:  {"SERVICE_UNAVAILABLE", http.StatusServiceUnavailable, "service temporarily unavailable"},
	CodeCommitUnknown:       {"COMMIT_UNKNOWN", http.StatusInternalServerError, "the connection was lost during commit; the change may or may not have been stored"},
	CodeLimit:               {"LIMIT_EXCEEDED", http.StatusUnprocessableEntity, "a limit was exceeded"},
	CodeConfiguration:       {"CONFIGURATION", http.StatusInternalServerError, "the service is not configured correctly"},
	CodeParityMismatch:      {"PARITY_MISMATCH", http.StatusInternalServerError, "the backends answered differently"},
}

// Codes are all codes, CodeOK first, each at the place of its value.
func Codes() iter.Seq[Code] {
	return func(yield func(Code) bool) {
		for c := range codeCount {
			if !yield(c) {
				return
			}
		}
	}
}

func (c Code) row() int {
	if c >= codeCount {
		return int(CodeInternal)
	}
	return int(c)
}

// String is the value of GraphQL's extensions.code, such as "BAD_USER_INPUT".
func (c Code) String() string { return codes[c.row()].text }

// HTTPStatus is the HTTP status of a request that failed with c.
func (c Code) HTTPStatus() int { return codes[c.row()].status }

// Message is a sentence that a client may see: it holds no SQL text, DSN, host
// or value. Error.ClientMessage adds the constraint where there is one.
func (c Code) Message() string { return codes[c.row()].message }

// sqlstates maps a five-character SQLSTATE or a two-character class to a Code;
// the longer key wins, and what is not here is CodeInternal. Names and classes:
// PostgreSQL documentation, appendix A, "PostgreSQL Error Codes".
var sqlstates = map[string]Code{
	"00": CodeOK, // successful completion, warnings and notices never arrive as errors
	"08": CodeServiceUnavailable,
	"21": CodeBadUserInput, // cardinality: one row proposed twice to ON CONFLICT DO UPDATE
	"22": CodeBadUserInput,
	"23": CodeConstraintViolation,
	"28": CodeConfiguration, // authentication
	"40": CodeConflict,
	"44": CodeConstraintViolation, // WITH CHECK OPTION
	"53": CodeServiceUnavailable,
	"54": CodeLimit,

	"08007": CodeCommitUnknown, // transaction resolution unknown
	"08P01": CodeInternal,      // protocol violation
	"25006": CodeForbidden,     // write in a read-only transaction
	"25P03": CodeServiceUnavailable,
	"25P04": CodeTimeout, // transaction_timeout, PostgreSQL 17
	"3D000": CodeConfiguration,
	"40002": CodeConstraintViolation,
	"40003": CodeCommitUnknown, // statement completion unknown
	"42501": CodeForbidden,
	"53400": CodeLimit,
	"55006": CodeConflict,
	"55P03": CodeConflict, // lock not available
	"57014": CodeTimeout,
	"57P01": CodeServiceUnavailable,
	"57P02": CodeServiceUnavailable,
	"57P03": CodeServiceUnavailable,
	"57P04": CodeConfiguration, // database dropped
	"57P05": CodeServiceUnavailable,
	"P0002": CodeNotFound, // no_data_found of PL/pgSQL STRICT
}

// sentences say more than a Code's message where the server's reason can be told
// without a value, a name or SQL text. Names: PostgreSQL documentation, appendix A.
var sentences = map[string]string{
	"22001": "a value is too long for its column",
	"22003": "a number is out of the range of its type",
	"22007": "a date or time is not written as one",
	"22008": "a date or time is out of range",
	"22012": "a division by zero",
	"2201B": "a regular expression is not valid",
	"22021": "a text has a character that can't be stored",
	"22025": "a pattern ends in its escape character",
	"22026": "a bit string has the wrong length for its column",
	"22P02": "a value is not written as its type demands",
	"22P05": "a text has a character that can't be stored",
	"21000": "one row would be changed twice by one statement",
	"55P03": "a row is locked by another transaction; try again",
}

// retrySQLStates are the errors after which the server has surely rolled the
// transaction back and the whole of it may be run again.
var retrySQLStates = map[string]bool{
	"40001": true, // serialization_failure
	"40P01": true, // deadlock_detected
}

// CodeOfSQLState maps a SQLSTATE by its exact row, then by its class. An empty or
// unknown one is CodeInternal.
func CodeOfSQLState(state string) Code {
	if c, ok := sqlstates[state]; ok && len(state) == 5 {
		return c
	}
	if len(state) == 5 {
		if c, ok := sqlstates[state[:2]]; ok {
			return c
		}
	}
	return CodeInternal
}
