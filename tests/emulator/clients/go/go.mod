module check

go 1.21

require (
	github.com/aliyun/aliyun-tablestore-go-sdk v4.1.3+incompatible
	github.com/golang/protobuf v1.5.4
	google.golang.org/protobuf v1.33.0
)
