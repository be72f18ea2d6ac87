package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fraiseql/fraiseql-go/parity/shadow"
)

// shadowWait bounds what an admin address may take to answer.
const shadowWait = 10 * time.Second

func newShadowStatus(a *app) *cobra.Command {
	asJSON, ready := false, false
	cmd := &cobra.Command{
		Use:   "shadow-status [ADDRESS]",
		Short: "Show how far the shadow of a running server has come, and what is missing",
		Long: `Asks the admin address of a running server (ADDRESS, or that of --admin-addr) for
its shadow: stage, verdicts, what was dropped, the breaker, and what is missing for
the next stage. Exit 4 when something differed in this stage, and with --ready 16
when a condition of the next stage is not met.`,
		Example: `  fraiseql parity shadow-status 127.0.0.1:9000
  fraiseql parity shadow-status 127.0.0.1:9000 --ready`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("%s takes one address, got %q too", cmd.CommandPath(), args[1])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			address := a.settings.Server.AdminAddr
			if len(args) == 1 {
				address = args[0]
			}
			return a.shadowStatus(cmd.Context(), address, asJSON, ready)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON")
	cmd.Flags().BoolVar(&ready, "ready", false, "exit with 16 when a condition of the next stage is not met")
	return cmd
}

func (a *app) shadowStatus(ctx context.Context, address string, asJSON, ready bool) error {
	if address == "" {
		return &exit{code: ExitUsage, err: errors.New("no admin address to ask"), hint: "give it as an argument: HOST:PORT, what `fraiseql serve --admin-addr` says"}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return &exit{code: ExitUsage, err: fmt.Errorf("%q is no address to ask: it takes HOST:PORT", address), hint: "it is what `fraiseql serve --admin-addr` says, without http://"}
	}
	if host == "" {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, shadowWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/shadow", nil)
	if err != nil {
		return usage("the address %q: %w", address, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // without the address once more
		}
		return fmt.Errorf("ask %s: %w", address, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxInput))
	if err != nil {
		return fmt.Errorf("ask %s: %w", address, err)
	}
	if response.StatusCode == http.StatusNotFound {
		return &exit{code: ExitFailed, err: fmt.Errorf("%s has no shadow", address), hint: "the server has one with FRAISEQL_PARITY_TESTING=true and FRAISEQL_PARITY_MODE=shadow"}
	}
	var s shadow.Status
	if err := json.Unmarshal(body, &s); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s, and no status of a shadow", address, response.Status)
	}
	if asJSON {
		if _, err := a.Out.Write(append([]byte(strings.TrimSpace(string(body))), '\n')); err != nil {
			return err
		}
	} else {
		a.showShadow(&s)
	}
	var failed []*exit
	if n := s.Verdicts["mismatch"]; n > 0 {
		failed = append(failed, &exit{code: ExitMismatch, err: fmt.Errorf("%d operations differed in stage %s", n, s.Stage)})
	}
	if ready && (s.Next == nil || !s.Next.Ready) {
		failed = append(failed, &exit{code: ExitCoverage, err: fmt.Errorf("stage %s can't be left yet", s.Stage)})
	}
	return bits(failed...)
}

// showShadow prints s for people.
func (a *app) showShadow(s *shadow.Status) {
	fmt.Fprintf(a.Out, "stage %s", s.Stage)
	if s.Configured != s.Stage {
		fmt.Fprintf(a.Out, " (configured: %s)", s.Configured)
	}
	if s.Off != "" {
		fmt.Fprintf(a.Out, ", switched off by %s", s.Off)
	}
	fmt.Fprintf(a.Out, ", share %g, %d compared\n", s.Share, s.Compared)
	counts := func(title string, m map[string]uint64) {
		names := make([]string, 0, len(m))
		for name := range m {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			if m[name] > 0 {
				fmt.Fprintf(a.Out, "%9d %s%s\n", m[name], title, name)
			}
		}
	}
	counts("", s.Verdicts)
	counts("dropped: ", s.Dropped)
	counts("rule ", s.Rules)
	if s.Bound != nil {
		fmt.Fprintf(a.Out, "at most %.3g %% differ, at 95 %%\n", 100**s.Bound)
	}
	if s.Fallbacks > 0 {
		fmt.Fprintf(a.Out, "%d reads were answered by the control after a connection of the candidate failed\n", s.Fallbacks)
	}
	if s.Breaker != nil {
		fmt.Fprintf(a.Out, "breaker %s, opened %d times %s\n", s.Breaker.State, s.Breaker.Opened, s.Breaker.Reason)
	}
	for _, c := range s.Classes {
		if c.Mismatches > 0 {
			fmt.Fprintf(a.Out, "%s (class %s): %d of %d differ\n", c.Operation, c.Class, c.Mismatches, c.Compared)
		}
	}
	if s.Next != nil {
		fmt.Fprintf(a.Out, "next stage %s: ", s.Next.Stage)
		if s.Next.Ready {
			fmt.Fprintln(a.Out, "nothing is missing")
			return
		}
		fmt.Fprintf(a.Out, "missing\n  %s\n", strings.Join(s.Next.Missing, "\n  "))
	}
}
