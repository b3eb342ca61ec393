# Writes orders to Kafka without end: 500 a second, and now and then one that is no JSON.
set -eu
bin=/opt/kafka/bin
"$bin/kafka-topics.sh" --bootstrap-server kafka:9092 --create --if-not-exists --topic orders --partitions 4
number=0
while true; do
    for _ in $(seq 500); do
        number=$((number + 1))
        if [ $((number % 5000)) -eq 0 ]; then
            echo '{"order_id": "broken'
        else
            printf '{"order_id":"%s-%08d","status":"paid","amount":%d.%02d,"customer":"c%d","items":[%d]}\n' \
                "$(hostname)" "$number" $((RANDOM % 900)) $((RANDOM % 100)) $((RANDOM % 5000)) $((RANDOM % 9))
        fi
    done
    sleep 1
done | "$bin/kafka-console-producer.sh" --bootstrap-server kafka:9092 --topic orders
