// Package report adds up what parity compared, and shows the sum to people and to
// machines.
//
// A Collector is a parity.Publisher: it counts verdicts and rules, sorts
// operations into classes, keeps a few examples of what differed, and samples the
// time that both sides took. Its memory is bounded whatever it is given. Its
// Document is what JSON, JUnit, the HTML page and the table in a terminal are made
// from.
//
// No value of a row leaves. Of each value that differs a report has the type, the
// length, the classes of its characters, and a keyed hash under a key that is made
// for this report and kept nowhere else: equal values can be seen to be equal
// inside one report, and not across two. WithReveal names the columns whose values
// may be shown.
package report
