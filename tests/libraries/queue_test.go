package libraries

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
)

// TestWatermill publishes and consumes messages through tables.
func TestWatermill(t *testing.T) {
	both(t, "watermill-sql", func(t *testing.T, db *sql.DB, _ string) {
		// A subscriber holds a connection while it waits for the next message.
		db.SetMaxOpenConns(1)
		beginner := wsql.BeginnerFromStdSQL(db)
		pub, err := wsql.NewPublisher(beginner, wsql.PublisherConfig{SchemaAdapter: wsql.DefaultPostgreSQLSchema{}, AutoInitializeSchema: true}, watermill.NopLogger{})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{`{"a": 1}`, `{"text": "it's \u00fc"}`, `[]`} {
			m := message.NewMessage(watermill.NewUUID(), message.Payload(text))
			m.Metadata.Set("key", "value")
			if err := pub.Publish("topic", m); err != nil {
				t.Fatal(err)
			}
		}
		sub, err := wsql.NewSubscriber(beginner, wsql.SubscriberConfig{
			SchemaAdapter: wsql.DefaultPostgreSQLSchema{}, OffsetsAdapter: wsql.DefaultPostgreSQLOffsetsAdapter{},
			InitializeSchema: true, PollInterval: 20 * time.Millisecond, ConsumerGroup: "group",
		}, watermill.NopLogger{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		messages, err := sub.Subscribe(ctx, "topic")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			select {
			case m := <-messages:
				m.Ack()
			case <-ctx.Done():
				t.Fatalf("message %d did not come", i+1)
			}
		}
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
	})
}

type sortArgs struct {
	Strings []string `json:"strings"`
}

// Kind names the job.
func (sortArgs) Kind() string { return "sort" }

type sortWorker struct {
	river.WorkerDefaults[sortArgs]
	done chan int
}

// Work is the job.
func (w *sortWorker) Work(_ context.Context, job *river.Job[sortArgs]) error {
	w.done <- len(job.Args.Strings)
	return nil
}

// TestRiver migrates River's tables, inserts jobs alone, many and in a transaction,
// works them, and looks at them.
func TestRiver(t *testing.T) {
	both(t, "river", func(t *testing.T, db *sql.DB, _ string) {
		ctx := t.Context()
		d := riverdatabasesql.New(db)
		migrator, err := rivermigrate.New(d, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
			t.Fatal(err)
		}
		client, err := river.NewClient(d, &river.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		one, err := client.Insert(ctx, sortArgs{Strings: []string{"b", "a"}}, &river.InsertOpts{Tags: []string{"tag-one", "two"}, Priority: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.InsertMany(ctx, []river.InsertManyParams{{Args: sortArgs{Strings: []string{"c"}}}, {Args: sortArgs{}}}); err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.InsertTx(ctx, tx, sortArgs{Strings: []string{"in", "a", "tx"}}, nil); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		jobs, err := client.JobList(ctx, river.NewJobListParams().First(10))
		if err != nil || len(jobs.Jobs) != 4 {
			t.Errorf("%v, %v", jobs, err)
		}
		if _, err := client.JobCancel(ctx, one.Job.ID); err != nil {
			t.Fatal(err)
		}
		if job, err := client.JobGet(ctx, one.Job.ID); err != nil || job.State != "cancelled" {
			t.Errorf("%+v, %v", job, err)
		}
		if _, err := client.JobRetry(ctx, one.Job.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := client.JobDelete(ctx, one.Job.ID); err != nil {
			t.Fatal(err)
		}
	})
}
