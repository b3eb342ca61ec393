// The official Go SDK against a running server: go run . URL
//
// Run by tests/emulator/test_sdks.py. Prints "passed: ..." and ends with 0, or panics.
package main

import (
	"fmt"
	"os"
	"strings"

	ots "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

const table = "go_check"

var passed []string

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("%v, after %v", err, passed))
	}
}

func check(ok bool, what string) {
	if !ok {
		panic(fmt.Sprintf("%s, after %v", what, passed))
	}
}

func second(_ *ots.PutRowResponse, err error) error {
	return err
}

func refused(err error, status int, code string, message string) {
	found, ok := err.(*ots.OtsError)
	check(ok, fmt.Sprintf("a refusal expected, got %v", err))
	check(found.HttpStatusCode == status && found.Code == code && found.Message == message &&
		len(found.RequestId) == 36, fmt.Sprintf("%+v", found))
}

func key(id int64) *ots.PrimaryKey {
	k := new(ots.PrimaryKey)
	k.AddPrimaryKeyColumn("k", "a")
	k.AddPrimaryKeyColumn("id", id)
	return k
}

func put(id int64) *ots.PutRowChange {
	change := &ots.PutRowChange{TableName: table, PrimaryKey: key(id)}
	change.AddColumn("c", id)
	change.AddColumn("text", "Zürich")
	change.AddColumn("raw", []byte{0, 255})
	change.SetCondition(ots.RowExistenceExpectation_IGNORE)
	return change
}

func main() {
	client := ots.NewClient(os.Args[1], "demo", "demo-key", "demo-secret")
	client.DeleteTable(&ots.DeleteTableRequest{TableName: table})

	meta := &ots.TableMeta{TableName: table}
	meta.AddPrimaryKeyColumn("k", ots.PrimaryKeyType_STRING)
	meta.AddPrimaryKeyColumn("id", ots.PrimaryKeyType_INTEGER)
	_, err := client.CreateTable(&ots.CreateTableRequest{
		TableMeta:          meta,
		TableOption:        &ots.TableOption{TimeToAlive: -1, MaxVersion: 2},
		ReservedThroughput: &ots.ReservedThroughput{},
	})
	must(err)
	passed = append(passed, "CreateTable")
	listed, err := client.ListTable()
	must(err)
	check(strings.Contains(strings.Join(listed.TableNames, " "), table), "listed")
	passed = append(passed, "ListTable")
	shown, err := client.DescribeTable(&ots.DescribeTableRequest{TableName: table})
	must(err)
	check(shown.TableOption.MaxVersion == 2, "versions")
	passed = append(passed, "DescribeTable")
	_, err = client.UpdateTable(&ots.UpdateTableRequest{
		TableName: table, TableOption: &ots.TableOption{TimeToAlive: -1, MaxVersion: 3}})
	must(err)
	passed = append(passed, "UpdateTable")

	_, err = client.PutRow(&ots.PutRowRequest{PutRowChange: put(1)})
	must(err)
	passed = append(passed, "PutRow")
	read := func(id int64) *ots.GetRowResponse {
		criteria := &ots.SingleRowQueryCriteria{TableName: table, PrimaryKey: key(id), MaxVersion: 1}
		got, err := client.GetRow(&ots.GetRowRequest{SingleRowQueryCriteria: criteria})
		must(err)
		return got
	}
	check(len(read(1).Columns) == 3, "columns")
	passed = append(passed, "GetRow")
	update := &ots.UpdateRowChange{TableName: table, PrimaryKey: key(1)}
	update.PutColumn("text", "new")
	update.DeleteColumn("raw")
	update.SetCondition(ots.RowExistenceExpectation_EXPECT_EXIST)
	_, err = client.UpdateRow(&ots.UpdateRowRequest{UpdateRowChange: update})
	must(err)
	check(len(read(1).Columns) == 2, "updated")
	passed = append(passed, "UpdateRow")
	remove := &ots.DeleteRowChange{TableName: table, PrimaryKey: key(1)}
	remove.SetCondition(ots.RowExistenceExpectation_EXPECT_EXIST)
	_, err = client.DeleteRow(&ots.DeleteRowRequest{DeleteRowChange: remove})
	must(err)
	_, err = client.DeleteRow(&ots.DeleteRowRequest{DeleteRowChange: remove})
	refused(err, 403, "OTSConditionCheckFail", "Condition check failed.")
	passed = append(passed, "DeleteRow")

	batch := &ots.BatchWriteRowRequest{}
	for id := int64(0); id < 200; id++ {
		batch.AddRowChange(put(id))
	}
	written, err := client.BatchWriteRow(batch)
	must(err)
	for _, result := range written.TableToRowsResult[table] {
		check(result.IsSucceed, "row")
	}
	passed = append(passed, "BatchWriteRow")
	many := &ots.MultiRowQueryCriteria{TableName: table, MaxVersion: 1}
	many.AddRow(key(3))
	many.AddRow(key(1000))
	get := &ots.BatchGetRowRequest{}
	get.MultiRowQueryCriteria = append(get.MultiRowQueryCriteria, many)
	found, err := client.BatchGetRow(get)
	must(err)
	check(len(found.TableToRowsResult[table]) == 2, "rows")
	passed = append(passed, "BatchGetRow")

	low, high := new(ots.PrimaryKey), new(ots.PrimaryKey)
	for _, name := range []string{"k", "id"} {
		low.AddPrimaryKeyColumnWithMinValue(name)
		high.AddPrimaryKeyColumnWithMaxValue(name)
	}
	total := 0
	for begin := low; begin != nil; {
		criteria := &ots.RangeRowQueryCriteria{TableName: table, StartPrimaryKey: begin,
			EndPrimaryKey: high, Direction: ots.FORWARD, MaxVersion: 1, Limit: 30}
		page, err := client.GetRange(&ots.GetRangeRequest{RangeRowQueryCriteria: criteria})
		must(err)
		total += len(page.Rows)
		begin = page.NextStartPrimaryKey
	}
	check(total == 200, "range")
	passed = append(passed, "GetRange")
	splits, err := client.ComputeSplitPointsBySize(
		&ots.ComputeSplitPointsBySizeRequest{TableName: table, SplitSize: 1})
	must(err)
	check(len(splits.Splits) == 1, "splits")
	passed = append(passed, "ComputeSplitPointsBySize")
	indexes, err := client.ListSearchIndex(&ots.ListSearchIndexRequest{TableName: table})
	must(err)
	check(len(indexes.IndexInfo) == 0, "search indexes")
	passed = append(passed, "ListSearchIndex")
	_, err = client.DeleteSearchIndex(
		&ots.DeleteSearchIndexRequest{TableName: table, IndexName: "none"})
	refused(err, 400, "OTSParameterInvalid", "Unsupported operation: DeleteSearchIndex.")

	partition := new(ots.PrimaryKey)
	partition.AddPrimaryKeyColumn("k", "a")
	begin := func() *string {
		started, err := client.StartLocalTransaction(
			&ots.StartLocalTransactionRequest{TableName: table, PrimaryKey: partition})
		must(err)
		return started.TransactionId
	}
	inside := func(id int64, transaction *string) {
		change := put(id)
		change.TransactionId = transaction
		_, err := client.PutRow(&ots.PutRowRequest{PutRowChange: change})
		must(err)
	}
	transaction := begin()
	passed = append(passed, "StartLocalTransaction")
	inside(5000, transaction)
	check(len(read(5000).Columns) == 0, "seen too early")
	refused(second(client.PutRow(&ots.PutRowRequest{PutRowChange: put(5001)})), 409,
		"OTSRowOperationConflict", "Data is being modified by the other request.")
	_, err = client.CommitTransaction(&ots.CommitTransactionRequest{TransactionId: transaction})
	must(err)
	check(len(read(5000).Columns) == 3, "committed")
	passed = append(passed, "CommitTransaction")
	transaction = begin()
	inside(5002, transaction)
	_, err = client.AbortTransaction(&ots.AbortTransactionRequest{TransactionId: transaction})
	must(err)
	check(len(read(5002).Columns) == 0, "aborted")
	passed = append(passed, "AbortTransaction")

	_, err = client.CreateTable(&ots.CreateTableRequest{TableMeta: meta,
		TableOption:        &ots.TableOption{TimeToAlive: -1, MaxVersion: 1},
		ReservedThroughput: &ots.ReservedThroughput{}})
	refused(err, 409, "OTSObjectAlreadyExist", "Requested table already exists.")
	_, err = client.DeleteTable(&ots.DeleteTableRequest{TableName: table})
	must(err)
	refused(second(client.PutRow(&ots.PutRowRequest{PutRowChange: put(1)})), 404,
		"OTSObjectNotExist", "Requested table does not exist.")
	stranger := ots.NewClient(os.Args[1], "demo", "demo-key", "wrong")
	_, err = stranger.ListTable()
	refused(err, 403, "OTSAuthFailed", "Signature mismatch.")
	passed = append(passed, "DeleteTable")
	fmt.Println("passed:", strings.Join(passed, " "))
}
