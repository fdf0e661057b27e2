// How a consumer joins the group, where its partitions begin and which are refused: the checks
// before it joins, and between being assigned partitions and fetching them. For kafka_source.cc;
// the source's thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/kafka/kafka_client.h"
#include "daemon/sources/kafka_source.h"
#include "triggers/base/status.h"

namespace huitou::kafka {

// The consumer's defaults that the user's properties may replace, and what they may not.
Properties Tunable(const KafkaSourceOptions& options);
Properties Fixed(const KafkaSourceOptions& options);

// What an owner writes beside the group's offsets: "huitou:STATE_ID".
std::string OwnerMark(const std::string& state_id);

// OK when the topics have as many partitions as the store has shards, and not all of them are
// marked by another state.
Status MayJoin(rd_kafka_t* client, const KafkaSourceOptions& options);

// After a member with our group.instance.id put this one out. OK when that member is gone and has
// not read on behind `left`, the offsets at which this one was put out. Such a member is another
// daemon with a copy of the state; or it is this one: a broker that comes back from a crash, or a
// session that times out, gives it a new identity and then takes a late request of the old one for
// a rival's (librdkafka #3437).
Status MayJoinAgain(rd_kafka_t* client, const KafkaSourceOptions& options,
                    const std::string& instance_id, const std::vector<Partition>& left);

// What is known of one partition when it is assigned.
struct Known {
  Partition committed;  // by the group: offset (-1: none) and mark
  int64_t stored = -1;
  int64_t begin = 0;
  int64_t end = 0;
};
// The offset to begin at, or why not. Pure.
Result<int64_t> StartOf(const Known& known, const KafkaSourceOptions& options);

struct StartPlan {
  std::vector<Partition> starts;     // with the offsets to fetch from
  std::vector<std::string> refused;  // a reason each; a shard is there wholly or not at all
};
// kUnavailable when the broker does not answer.
Result<StartPlan> PlanStart(
    rd_kafka_t* client, const KafkaSourceOptions& options,
    const std::function<Result<int64_t>(ShardNumber, const std::string&)>& stored_offset,
    std::vector<Partition> partitions);

}  // namespace huitou::kafka
