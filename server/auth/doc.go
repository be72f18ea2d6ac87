// Package auth finds out who sent a request: it checks JSON Web Tokens (RFC 7519)
// and turns their claims into settings of the transaction, a role and a search
// path, for row-level security and for schemas of tenants.
//
//	who, err := auth.New(auth.Options{
//		Secret: secret,
//		Claims: []auth.Claim{{Path: "sub", Setting: "app.user_id"}},
//	})
//	defer who.Close()
//	handler := server.New(…, server.Options{Authenticator: who})
//
// A policy of the database then says who sees what:
//
//	create policy own on orders using (user_id = nullif(current_setting('app.user_id', true), '')::bigint);
//
// Each configured setting is set for each request, to the empty text where the token has no
// such claim: what a policy reads is never left over from somewhere else, be it a
// connection's, a role's or a database's.
//
// Signatures are checked by golang-jwt/jwt, keys of a set are read by
// MicahParks/jwkset. The algorithms that count for a key follow from its kind, so
// a public key is never taken for a secret, and "none" is no algorithm.
package auth
