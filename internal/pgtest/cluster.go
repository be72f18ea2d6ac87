package pgtest

import (
	"net/url"
	"strings"
	"testing"

	"github.com/fraiseql/fraiseql-go/internal/pgembed"
)

// Cluster is a primary with streaming standbys, for one test.
type Cluster struct {
	Primary  *pgembed.Server
	Standbys []*pgembed.Server
}

// NewCluster starts a primary, and a standby for each further list of options. It
// takes about a second for each server.
func NewCluster(t testing.TB, primary []pgembed.Option, standbys ...[]pgembed.Option) *Cluster {
	t.Helper()
	c := &Cluster{Primary: Dedicated(t, append([]pgembed.Option{pgembed.Replicating()}, primary...)...)}
	for _, o := range standbys {
		c.Standbys = append(c.Standbys, Standby(t, c.Primary, o...))
	}
	return c
}

// Servers are all of c, the primary first.
func (c *Cluster) Servers() []*pgembed.Server {
	return append([]*pgembed.Server{c.Primary}, c.Standbys...)
}

// HostsDSN is a URL that names one database of several servers with one password,
// such as the standbys of a Cluster.
func HostsDSN(t testing.TB, database string, servers ...*pgembed.Server) string {
	t.Helper()
	u, err := url.Parse(servers[0].DSN(database))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	hosts := make([]string, len(servers))
	for i, s := range servers {
		one, err := url.Parse(s.DSN(database))
		if err != nil {
			t.Fatalf("pgtest: %v", err)
		}
		hosts[i] = one.Host
	}
	u.Host = strings.Join(hosts, ",")
	return u.String()
}
