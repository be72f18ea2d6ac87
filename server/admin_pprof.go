package server

import (
	"fmt"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"
)

// maxProfile bounds how long a CPU profile or a trace runs.
const maxProfile = 5 * time.Minute

// addProfiles offers what `go tool pprof` and `go tool trace` read. It does not
// use net/http/pprof, which registers itself on http.DefaultServeMux of every
// program that links it: an application that embeds this package and serves the
// default mux would show its memory to the public.
func addProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/{$}", listProfiles)
	mux.HandleFunc("GET /debug/pprof/{name}", lookupProfile)
	mux.HandleFunc("GET /debug/pprof/profile", func(w http.ResponseWriter, r *http.Request) {
		record(w, r, 30*time.Second, func(w http.ResponseWriter) error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile)
	})
	mux.HandleFunc("GET /debug/pprof/trace", func(w http.ResponseWriter, r *http.Request) {
		record(w, r, time.Second, func(w http.ResponseWriter) error { return trace.Start(w) }, trace.Stop)
	})
}

func listProfiles(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, p := range pprof.Profiles() {
		fmt.Fprintf(w, "%s %d\n", p.Name(), p.Count())
	}
	fmt.Fprint(w, "profile ?seconds=30\ntrace ?seconds=1\n")
}

// lookupProfile writes a profile; ?debug=1 and 2 are text.
func lookupProfile(w http.ResponseWriter, r *http.Request) {
	p := pprof.Lookup(r.PathValue("name"))
	if p == nil {
		writeFailure(w, http.StatusNotFound, "NOT_FOUND", "no such profile")
		return
	}
	text, _ := strconv.Atoi(r.FormValue("debug")) // an error: 0, the binary form
	kind := "application/octet-stream"
	if text > 0 {
		kind = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = p.WriteTo(w, text) // an error: the client has gone
}

// record runs a recorder for ?seconds.
func record(w http.ResponseWriter, r *http.Request, d time.Duration, start func(http.ResponseWriter) error, stop func()) {
	if s := r.FormValue("seconds"); s != "" {
		n, err := strconv.ParseFloat(s, 64)
		if d = time.Duration(n * float64(time.Second)); err != nil || d <= 0 || d > maxProfile {
			writeFailure(w, http.StatusBadRequest, "BAD_USER_INPUT", "seconds is a number above 0, at most 300")
			return
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := start(w); err != nil {
		writeFailure(w, http.StatusConflict, "CONFLICT", "another profile is being recorded")
		return
	}
	defer stop()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}
