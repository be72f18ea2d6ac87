package server

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// compressBytes is where compression begins to pay: below, an answer fits one
// packet either way.
const compressBytes = 1 << 10

// MiddlewareCompress compresses answers with zstd or gzip, by the q-values of
// Accept-Encoding, gzip between equals: a fetch that many JavaScript tools use
// (@whatwg-node/node-fetch on Node 20) offers a zstd that it can't read. Answers below 1 KiB that end before they
// are flushed, media that are compressed already and answers that have a
// Content-Encoding are left alone. A flush takes what was written so far through
// the encoder, so that streams stay streams.
//
// A handler that panics ends the stream without the trailer of its format: gzhttp
// by itself would finish it, and a cut answer would pass for a whole one.
func MiddlewareCompress(h http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(compressBytes), gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.PreferZstd(false), gzhttp.SetContentType(false))
	if err != nil {
		panic(err) // the options are constant
	}
	compressed := wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := false
		defer func() {
			if !whole {
				cut(w)
			}
		}()
		h.ServeHTTP(w, r)
		whole = true
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Accept-Encoding"]) == 0 {
			vary(w.Header(), "Accept-Encoding")
			h.ServeHTTP(w, r)
			return
		}
		compressed(follow(w), r)
	})
}
