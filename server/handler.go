package server

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"

	"github.com/rs/cors"

	"github.com/fraiseql/fraiseql-go/backend"
	"github.com/fraiseql/fraiseql-go/executor"
)

// NewGraphQL is the handler of GraphQL over HTTP for e, whatever its path: POST
// of application/json, and GET for queries. It is complete: request ids, CORS,
// compression and recovery from panics are around it. What it does not bound is
// time, which is for http.Server (ReadTimeout, WriteTimeout) and for the engine.
//
// It follows the draft that the audits of npm graphql-http 1.23 check, which
// differs from the edition of September 2026 where a document is not valid: 400
// here, 422 there.
func NewGraphQL(e Engine, o Options) http.Handler {
	o.fill()
	g := &graphQL{engine: e, o: o, cors: o.CORS.handler()}
	if o.PersistBytes > 0 && o.Trusted == nil {
		g.persisted = newPersisted(o.PersistBytes)
	}
	g.retryAfter = []string{strconv.Itoa(max(1, int(o.RetryAfter.Seconds())))}
	return Middleware(g, MiddlewareOptions{CORS: o.CORS, NoCompression: o.NoCompression, Logger: o.Logger})
}

type graphQL struct {
	engine     Engine
	o          Options
	persisted  *persisted // nil: off
	cors       *cors.Cors // nil: no origin is allowed
	retryAfter []string
	flood      flood
}

// Values of headers that are the same for every answer.
var (
	noStore     = []string{"no-store"}
	allowed     = []string{"GET, POST, OPTIONS"}
	allowedPost = []string{"POST"}
	acceptPost  = []string{"application/json"}
	identity    = []string{"identity"}
)

func (g *graphQL) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(g, w, r)
	vary(w.Header(), "Accept")
	if refused := g.answer(x); refused != nil { //nolint:contextcheck // the context is that of x.r
		x.refuse(refused) //nolint:contextcheck // the context is that of x.r
	}
	x.finish()
	x.free() // not where there was a panic: somebody may still hold a part of it
}

// answer answers one HTTP request, or says with what refusal.
func (g *graphQL) answer(x *exchange) *refusal {
	r, h := x.r, x.w.Header()
	var acceptable bool
	x.media, acceptable = negotiate(r.Header["Accept"])
	switch r.Method {
	case http.MethodPost:
	case http.MethodGet:
		h["Cache-Control"] = noStore
	case http.MethodOptions: // a preflight does not get here
		h["Allow"] = allowed
		x.w.WriteHeader(http.StatusNoContent)
		x.sent = true
		return nil
	default:
		h["Allow"] = allowed
		return errMethod
	}
	if !acceptable {
		return errNotAcceptable
	}
	if r.Method == http.MethodGet && crossSite(r, g.cors) {
		return errCrossSite
	}
	if r.Method == http.MethodPost { // before anybody has to prove who they are
		if err := checkContentType(r.Header); err != nil {
			h["Accept-Post"] = acceptPost
			if err == errEncoded {
				h["Accept-Encoding"] = identity
			}
			return err
		}
	}
	unknown := g.authenticate(x)
	if refused := x.limit(1); refused != nil { // tokens that are guessed count for the address
		return refused
	}
	if unknown != nil {
		return unknown
	}
	if g.o.Sessions != nil {
		var err error
		if x.r, x.token, err = g.o.Sessions.open(r); err != nil {
			return errSession
		}
	}
	if r.Method == http.MethodGet {
		var p params
		if err := p.parseURL(r.URL.RawQuery); err != nil {
			return err
		}
		x.single(&p)
		return nil
	}
	if err := x.readBody(); err != nil {
		return err
	}
	list, batch, err := parseBody(x.body, x.list[:0], g.o.MaxBatch)
	switch {
	case err != nil:
		return err
	case batch:
		if refused := x.limit(g.o.RateLimit.rest(len(list))); refused != nil {
			return refused
		}
		x.batch(list)
	default:
		x.single(&list[0])
	}
	return nil
}

func (g *graphQL) authenticate(x *exchange) *refusal {
	if g.o.Authenticator == nil {
		return nil
	}
	id, err := g.o.Authenticator.Authenticate(x.r)
	if err == nil {
		x.identity = id
		return nil
	}
	x.cause = err
	if backend.CodeOf(err) == backend.CodeServiceUnavailable { // it is not known who asks
		x.w.Header()["Retry-After"] = g.retryAfter
		return errAuthDown
	}
	challenge := "Bearer"
	if len(x.r.Header["Authorization"]) > 0 {
		challenge = `Bearer error="invalid_token"`
	}
	x.w.Header()["Www-Authenticate"] = []string{challenge}
	return errUnauthorized
}

// limit takes n requests of who asks, or says that they are too many.
func (x *exchange) limit(n int) *refusal {
	if n <= 0 {
		return nil
	}
	wait := x.g.o.RateLimit.Allow(x.r, &x.identity, n)
	if wait == 0 {
		return nil
	}
	h := x.w.Header()
	delete(h, "Www-Authenticate")
	h["Retry-After"] = []string{retryAfter(wait)}
	return errRate
}

// result is how one GraphQL request went. The zero result is success.
type result struct {
	name   string // of the operation
	status int    // with the negotiated type; 0 is 200
	kind   string
	code   string
	err    error // for the log
	server bool  // the server is to blame
}

// run answers one GraphQL request into x: with the answer of the engine or with
// an object that has errors only.
func (x *exchange) run(p *params) result {
	g := x.g
	if p.invalid != nil {
		return x.failed(p.invalid)
	}
	query, keep, refused := g.document(p)
	if refused != nil {
		return x.failed(refused)
	}
	// Its own memory: an Operation may keep it for longer than an exchange lives.
	request := &Request{Query: query, OperationName: p.operationName, Variables: p.variables}
	switch g.o.Introspection {
	case IntrospectionPublic:
	case IntrospectionAuthenticated:
		request.NoIntrospection = !x.identity.Authenticated
	default:
		request.NoIntrospection = true
	}
	ctx := x.r.Context()
	op, err := g.engine.Prepare(ctx, request)
	if err != nil {
		return x.unprepared(err)
	}
	if keep {
		g.persisted.add(p.hash, query)
		g.o.Metrics.APQ(APQStored)
	}
	kind := "query"
	if op.Mutation() {
		kind = "mutation"
		if x.r.Method == http.MethodGet {
			x.w.Header()["Allow"] = allowedPost
			res := x.failed(errGetMutation)
			res.name, res.kind = op.Name(), kind
			return res
		}
	}
	before := x.total
	if len(x.identity.Session) > 0 {
		err = op.Execute(ctx, x, executor.WithSession(x.identity.Session))
	} else {
		err = op.Execute(ctx, x)
	}
	res := result{name: op.Name(), kind: kind}
	if err == nil && x.err == nil {
		return res
	}
	if err == nil {
		err = x.err // an engine that did not look at what Write said
	}
	code := executor.CodeOf(err)
	res.code, res.err, res.server = code.String(), err, !clientFault(http.StatusOK, code)
	switch {
	case executor.Partial(err) || x.err != nil:
		x.abort(res)
	case x.total == before: // nothing was written
		res.status = x.coded(err)
	case g.o.PartialSuccess && x.media == mediaResponse:
		res.status = 294
	}
	return res
}

// unprepared answers for an error of Prepare. A request that the engine refuses
// is the client's; anything else is what its code says.
func (x *exchange) unprepared(err error) result {
	told, ok := errors.AsType[RequestError](err)
	if !ok {
		code := executor.CodeOf(err)
		return result{status: x.coded(err), code: code.String(), err: err, server: !clientFault(http.StatusOK, code)}
	}
	x.scratch = append(x.scratch[:0], `{"errors":[`...)
	x.scratch = append(told.AppendErrors(x.scratch), "]}"...)
	x.write(x.scratch)
	res := result{code: firstCode(x.scratch), err: err}
	if x.media == mediaResponse {
		res.status = http.StatusBadRequest
	}
	return res
}

// firstCode is extensions.code of the first error in an answer, which has to be
// one of the engine's constants to have this form: inside of a text every quote
// is escaped.
func firstCode(answer []byte) string {
	_, rest, ok := bytes.Cut(answer, []byte(`"code":"`))
	code, _, closed := bytes.Cut(rest, []byte(`"`))
	if !ok || !closed {
		return "REQUEST_ERROR"
	}
	return string(code)
}

// coded writes the error with the code of err, without data: nothing came of the
// request. It returns the status: for application/json 200, but where the request was
// turned away before it began.
func (x *exchange) coded(err error) int {
	x.scratch = append(x.scratch[:0], `{"errors":[`...)
	x.scratch = append(executor.AppendErrorObject(x.scratch, err), "]}"...)
	x.write(x.scratch)
	code := executor.CodeOf(err)
	if code == backend.CodeServiceUnavailable {
		x.w.Header()["Retry-After"] = x.g.retryAfter
	}
	if x.media == mediaResponse || errors.Is(err, executor.ErrPoolExhausted) { // as where too many requests run
		return code.HTTPStatus()
	}
	return 0
}

// failed answers with refused alone.
func (x *exchange) failed(refused *refusal) result {
	x.scratch = append(x.scratch[:0], `{"errors":[`...)
	x.scratch = append(refused.append(x.scratch), "]}"...)
	x.write(x.scratch)
	res := result{status: refused.status, code: refused.code, err: refused}
	if x.media == mediaJSON && refused.legacy != 0 {
		res.status = refused.legacy
	}
	return res
}
