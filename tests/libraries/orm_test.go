package libraries

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

type bunUser struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID      int64          `bun:",pk,autoincrement"`
	Name    string         `bun:",notnull,unique"`
	Emails  []string       `bun:",array"`
	Meta    map[string]any `bun:"type:jsonb"`
	Balance float64        `bun:"type:numeric(12,2)"`
	Made    time.Time      `bun:",nullzero,notnull,default:current_timestamp"`
	Posts   []*bunPost     `bun:"rel:has-many,join:id=user_id"`
}

type bunPost struct {
	bun.BaseModel `bun:"table:posts,alias:p"`

	ID     int64 `bun:",pk,autoincrement"`
	UserID int64
	Title  string
	Body   []byte
	User   *bunUser `bun:"rel:belongs-to,join:user_id=id"`
}

// TestBun makes tables, writes and reads related rows, in transactions and in bulk.
func TestBun(t *testing.T) {
	both(t, "bun", func(t *testing.T, pool *sql.DB, _ string) {
		ctx := t.Context()
		db := bun.NewDB(pool, pgdialect.New())
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, model := range []any{(*bunUser)(nil), (*bunPost)(nil)} {
			must(db.NewCreateTable().Model(model).IfNotExists().Exec(ctx))
		}
		users := []*bunUser{{Name: "Ada", Emails: []string{"a@x", `q"uo,te@x`}, Meta: map[string]any{"k": 1.5, "n": nil}, Balance: 10.25}, {Name: "Grace", Balance: 0.1}}
		must(db.NewInsert().Model(&users).Returning("*").Exec(ctx))
		posts := []*bunPost{{UserID: users[0].ID, Title: "It's", Body: []byte{0, 1, 255}}, {UserID: users[0].ID, Title: `back\slash`}, {UserID: users[1].ID, Title: "ünïcode"}}
		must(db.NewInsert().Model(&posts).Exec(ctx))
		must(db.NewInsert().Model(&bunUser{Name: "Ada", Balance: 3}).On("conflict (name) do update").Set("balance = excluded.balance").Exec(ctx))
		var found []bunUser
		if err := db.NewSelect().Model(&found).Relation("Posts").Where("u.balance > ?", 0.05).Order("u.id").Scan(ctx); err != nil || len(found) != 2 || len(found[0].Posts) != 2 {
			t.Errorf("%+v, %v", found, err)
		}
		var withUser []bunPost
		if err := db.NewSelect().Model(&withUser).Relation("User").Where("title in (?)", bun.In([]string{"It's", "ünïcode"})).OrderExpr("p.id desc").Limit(5).Scan(ctx); err != nil || len(withUser) != 2 {
			t.Errorf("%+v, %v", withUser, err)
		}
		n, err := db.NewSelect().Model((*bunPost)(nil)).Where("user_id = ?", users[0].ID).Count(ctx)
		if err != nil || n != 2 {
			t.Errorf("%d, %v", n, err)
		}
		err = db.RunInTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead}, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.NewUpdate().Model(users[0]).Set("name = ?", "Augusta").WherePK().Exec(ctx); err != nil {
				return err
			}
			return tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.NewDelete().Model((*bunPost)(nil)).Where("title like ?", "b%").Exec(ctx)
				return errors.Join(err, errors.New("undo this"))
			})
		})
		if err == nil {
			t.Error("the transaction went through")
		}
		must(db.NewUpdate().Model(users[1]).Set("emails = ?", "{x@y}").WherePK().Returning("*").Exec(ctx))
		must(db.NewDropTable().Model((*bunPost)(nil)).IfExists().Exec(ctx))
	})
}

type gormCompany struct {
	ID        uint `gorm:"primarykey"`
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt gorm.DeletedAt `gorm:"index"`
	Name      string         `gorm:"size:64;uniqueIndex"`
	Rating    *float32
	Raw       []byte
	Staff     []gormPerson `gorm:"foreignKey:CompanyID"`
}

type gormPerson struct {
	ID        uint `gorm:"primarykey"`
	CompanyID uint
	Name      string
	Born      *time.Time `gorm:"type:date"`
	Active    bool       `gorm:"default:true"`
}

// TestGorm migrates, writes with hooks and associations, and reads with preloads.
func TestGorm(t *testing.T) {
	both(t, "gorm", func(t *testing.T, pool *sql.DB, control string) {
		cfg := postgres.Config{Conn: pool}
		if control == "pq" {
			cfg.DriverName = "postgres" // else its migrator passes an argument that is for pgx
		}
		db, err := gorm.Open(postgres.New(cfg), &gorm.Config{Logger: logger.Discard})
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(db.AutoMigrate(&gormCompany{}, &gormPerson{}))
		must(db.AutoMigrate(&gormCompany{}, &gormPerson{})) // reads the columns that are there
		rating, born := float32(4.1), time.Date(1906, 12, 9, 0, 0, 0, 0, time.UTC)
		c := gormCompany{Name: "Navy", Rating: &rating, Raw: []byte{1, 0, 2}, Staff: []gormPerson{{Name: "Grace", Born: &born}, {Name: "Ada"}}}
		must(db.Create(&c).Error)
		must(db.Create(&[]gormCompany{{Name: "Army"}, {Name: "Air"}}).Error)
		must(db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "name"}}, DoUpdates: clause.AssignmentColumns([]string{"rating"})}).Create(&gormCompany{Name: "Army", Rating: &rating}).Error)
		if err := db.Create(&gormCompany{Name: "Army"}).Error; err == nil {
			t.Error("a second Army")
		}
		var list []gormCompany
		must(db.Preload("Staff", func(tx *gorm.DB) *gorm.DB { return tx.Order("id") }).Order("id").Find(&list).Error)
		if len(list) != 3 || len(list[0].Staff) != 2 {
			t.Errorf("%+v", list)
		}
		must(db.Model(&list[0]).Where("updated_at = ?", list[0].UpdatedAt).Update("rating", 2.5).Error)
		must(db.Model(&gormPerson{}).Where("born < ?", time.Now()).Updates(map[string]any{"active": false, "name": gorm.Expr("upper(name)")}).Error)
		var sum struct {
			N   int64
			Max *float64
		}
		must(db.Model(&gormCompany{}).Select("count(*) as n, max(rating) as max").Scan(&sum).Error)
		must(db.Transaction(func(tx *gorm.DB) error {
			must(tx.Create(&gormPerson{CompanyID: c.ID, Name: "kept"}).Error)
			_ = tx.Transaction(func(tx *gorm.DB) error {
				must(tx.Delete(&gormPerson{}, "company_id = ?", c.ID).Error)
				return errors.New("undo this")
			})
			return nil
		}))
		must(db.Delete(&gormCompany{}, "name = ?", "Air").Error)
		var n int64
		must(db.Unscoped().Model(&gormCompany{}).Count(&n).Error)
		must(db.Raw("select name from gorm_companies where id in ? order by name", []uint{1, 2}).Scan(&[]string{}).Error)
		rows, err := db.Model(&gormPerson{}).Order("id").Rows()
		must(err)
		for rows.Next() {
			var p gormPerson
			must(db.ScanRows(rows, &p))
		}
		must(rows.Close())
	})
}
