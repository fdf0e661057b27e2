// Renders what leaves the house with the templates in force. One per shard, its owner thread; Use()
// between two inputs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "daemon/app/campaign_versions.h"
#include "daemon/shard/shard.h"

namespace huitou {

class TemplateRendering final : public Rendering {
 public:
  void Use(std::shared_ptr<const Plays> plays) { plays_ = std::move(plays); }

  Result<channels::Message> Message(const OutboxRecord& record, const Customer& customer,
                                    std::string_view address) override;
  std::string Emission(const huitou::Emission& emission) override;

 private:
  std::shared_ptr<const Plays> plays_;
};

}  // namespace huitou
