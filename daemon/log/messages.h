// The catalogue of log messages. An id is used in one meaning for ever; a test checks that ids are unique,
// that each is written somewhere, and that each sentence tells an operator what happened or what to do.
#pragma once

#include "daemon/log/log.h"

namespace ami::daemon::messages {

inline constexpr Message kGatewayStarting{"GATEWAY_STARTING", Level::Info, "the gateway is starting"};
inline constexpr Message kGatewayReady{"GATEWAY_READY", Level::Info,
                                       "all feeds were started; reads are accepted"};
inline constexpr Message kGatewayNotReady{
    "GATEWAY_NOT_READY", Level::Warn,
    "the gateway cannot store reads now and keeps trying by itself; see reason, and /readyz for all parts"};
inline constexpr Message kGatewayDraining{"GATEWAY_DRAINING", Level::Info,
                                          "stopping: no new work is taken, work under way is finished"};
inline constexpr Message kGatewayStopped{"GATEWAY_STOPPED", Level::Info,
                                         "stopped; nothing was left half-done"};
inline constexpr Message kGatewayDrainTimedOut{
    "GATEWAY_DRAIN_TIMED_OUT", Level::Error,
    "work was still under way after drain_timeout and was abandoned; nothing acknowledged is lost, its files "
    "are read again at the next start"};
inline constexpr Message kGatewayKilled{"GATEWAY_KILLED", Level::Warn,
                                        "a second stop signal came: leaving at once; files are read again"};
inline constexpr Message kGatewayCannotStart{
    "GATEWAY_CANNOT_START", Level::Error,
    "the gateway could not start: mend what error says and start it again"};

inline constexpr Message kFailpointSet{
    "FAILPOINT_SET", Level::Warn,
    "AMI_FAILPOINT is set: this process will kill itself at that point; for tests only, never at a site"};

inline constexpr Message kReloadDone{"RELOAD_DONE", Level::Info, "the new configuration is in force"};
inline constexpr Message kReloadRefused{
    "RELOAD_REFUSED", Level::Error,
    "the new configuration has problems, the old one stays in force: run ami-gatewayd --check-config, mend, "
    "reload again"};
inline constexpr Message kReloadNeedsRestart{
    "RELOAD_NEEDS_RESTART", Level::Warn,
    "this setting was changed but is only read at start: restart the service to apply it"};

inline constexpr Message kDatabaseReady{"DATABASE_READY", Level::Info,
                                        "the database answers and its schema is the one that is needed"};
inline constexpr Message kDatabaseAway{
    "DATABASE_AWAY", Level::Warn,
    "the database does not answer; reads wait and are stored when it is back: look at PostgreSQL and at "
    "database.conninfo"};
inline constexpr Message kDatabaseUnfit{
    "DATABASE_UNFIT", Level::Error,
    "the database answers but cannot be used: act on what error says; the gateway tries again by itself"};
inline constexpr Message kDirectoryLoaded{"DIRECTORY_LOADED", Level::Info,
                                          "asset data was read anew; ids are resolved with it from now on"};

inline constexpr Message kFeedStarted{"FEED_STARTED", Level::Info, "the feed is running"};
inline constexpr Message kFeedStopped{"FEED_STOPPED", Level::Info, "the feed was stopped"};
inline constexpr Message kFeedFailed{"FEED_FAILED", Level::Error,
                                     "the feed cannot run and is started again by itself after a pause, "
                                     "other feeds go on: act on what error says"};
inline constexpr Message kFeedRefused{
    "FEED_REFUSED", Level::Error,
    "the feed needs something that this gateway does not have and is not started: change or remove its file"};

inline constexpr Message kJournalOpened{"JOURNAL_OPENED", Level::Info,
                                        "the journal of pushed messages was read and checked; what it holds is stored now"};
inline constexpr Message kJournalDamaged{
    "JOURNAL_DAMAGED", Level::Error,
    "the journal's file was damaged: it is set aside, what could be read of it goes on in a fresh one; check disk and "
    "memory, and see docs/journal.md for what was lost"};
inline constexpr Message kJournalFailing{
    "JOURNAL_FAILING", Level::Error,
    "the journal cannot be written, so pushed messages are pushed back to their senders: see error, make room on the "
    "disk of journal.path; it goes on by itself"};
inline constexpr Message kJournalMended{"JOURNAL_MENDED", Level::Info,
                                        "the journal can be written again; pushed messages are accepted"};
inline constexpr Message kJournalFull{
    "JOURNAL_FULL", Level::Warn,
    "the journal has reached its bound and pushed messages are pushed back to their senders: see whether the database "
    "is away or slow; it goes on by itself"};
inline constexpr Message kJournalRoom{"JOURNAL_ROOM", Level::Info,
                                      "the journal has room again; pushed messages are accepted"};
inline constexpr Message kJournalUnclaimed{
    "JOURNAL_UNCLAIMED", Level::Warn,
    "the journal holds messages of a feed that is not configured; they stay there until it is configured again"};
inline constexpr Message kMessageRefused{
    "MESSAGE_REFUSED", Level::Error,
    "a pushed message can never be stored as it is and is kept aside: report it with error and the file of kept"};

inline constexpr Message kCommitRetried{"COMMIT_RETRIED", Level::Warn,
                                        "a batch could not be stored yet and is tried again; nothing is "
                                        "lost: look at the database if this lasts"};
inline constexpr Message kCommitRecovered{"COMMIT_RECOVERED", Level::Info,
                                          "a batch that had to wait is stored now"};
inline constexpr Message kCommitRefused{
    "COMMIT_REFUSED", Level::Error,
    "a batch can never be stored as it is; its source is kept: report it with error, source and offset"};
inline constexpr Message kRecordRefused{
    "RECORD_REFUSED", Level::Error,
    "the database refuses one record for good; it is in quarantine as cannot_be_stored, its neighbours are stored"};
inline constexpr Message kReplayDone{"REPLAY_DONE", Level::Info,
                                     "quarantined records were read again with today's rules"};
inline constexpr Message kReplayFailed{
    "REPLAY_FAILED", Level::Error,
    "quarantined records could not be replayed and stay as they were: see error"};

inline constexpr Message kRawNotKept{
    "RAW_NOT_KEPT", Level::Warn,
    "what arrived cannot be kept now, so nothing of it is stored and its file waits: look at the disk of state_dir"};
inline constexpr Message kRawPruned{"RAW_PRUNED", Level::Info,
                                    "kept contents whose time was over were dropped"};
inline constexpr Message kRawPruneFailed{
    "RAW_PRUNE_FAILED", Level::Warn,
    "kept contents whose time is over could not be dropped and are tried again later: see error"};
inline constexpr Message kReprocessEnded{"REPROCESS_ENDED", Level::Info,
                                         "a reprocess run ended; amictl reprocess show tells what it found"};
inline constexpr Message kReprocessFailed{
    "REPROCESS_FAILED", Level::Error,
    "a reprocess run cannot go on; what it wrote stays: act on reason and order it again"};
inline constexpr Message kReprocessLeftOut{
    "REPROCESS_LEFT_OUT", Level::Warn,
    "a reprocess run cannot read this content again and goes on without it: have its file sent again, or restore it"};
inline constexpr Message kReprocessWaits{
    "REPROCESS_WAITS", Level::Warn,
    "a reprocess run waits for the database or the disk and goes on by itself: see error if this lasts"};

inline constexpr Message kCommandsTakenUp{
    "COMMANDS_TAKEN_UP", Level::Info,
    "commands that an earlier run left go on: what was queued is asked, what was sent is waited for"};
inline constexpr Message kCommandsStoreFailing{
    "COMMANDS_STORE_FAILING", Level::Warn,
    "commands cannot be stored and wait; they go on by themselves: look at the database if this lasts"};
inline constexpr Message kCommandAdapterDefect{
    "COMMAND_ADAPTER_DEFECT", Level::Error,
    "an adapter did not keep to its contract, so what became of a command is not known: report it with the feed"};
inline constexpr Message kCommandAnswersKept{
    "COMMAND_ANSWERS_KEPT", Level::Warn,
    "answers came that ended nothing, too late or to no command of ours; they are kept beside the operation: look at "
    "the expiry of the feed if there are many"};

inline constexpr Message kCommandResetContradicted{
    "COMMAND_RESET_CONTRADICTED", Level::Error,
    "values say that not exactly one demand reset happened: look at the operation with amictl before anybody resets again"};

inline constexpr Message kGapsAsked{"GAPS_ASKED", Level::Info,
                                    "missing values are asked for again; see amictl gaps"};
inline constexpr Message kGapsGivenUp{
    "GAPS_GIVEN_UP", Level::Warn,
    "gaps were given up after their last try: amictl gaps --state GIVEN_UP tells why, and can wait for them again"};
inline constexpr Message kBackfillFailed{
    "BACKFILL_FAILED", Level::Warn,
    "missing values cannot be asked for now and are later by itself: look at the database if this lasts"};

inline constexpr Message kGapsCompared{"GAPS_COMPARED", Level::Info,
                                       "what came was compared with what was expected; see amictl gaps"};
inline constexpr Message kGapsFailed{
    "GAPS_FAILED", Level::Warn,
    "gaps could not be brought up to date and are tried again by itself: look at the database if this lasts"};

inline constexpr Message kValidationDone{"VALIDATION_DONE", Level::Info,
                                         "meter-days were validated; see amictl vee"};
inline constexpr Message kValidationFailed{
    "VALIDATION_FAILED", Level::Warn,
    "validation could not go on and is tried again by itself: look at the database if this lasts"};
inline constexpr Message kThresholdSuspect{
    "THRESHOLD_SUSPECT", Level::Warn,
    "a check hit more of a day's meters than its threshold can be right for: look at the check's threshold, the "
    "programme rules and the feed before trusting its findings; see docs/vee.md"};

inline constexpr Message kSwitchingOn{
    "SWITCHING_ON", Level::Info,
    "this gateway may operate service switches; of several on one database one sends: see ami_switch_lease"};
inline constexpr Message kSwitchingNoRules{
    "SWITCHING_NO_RULES", Level::Warn,
    "no rules of the utility are asked before a switch is operated: protected customers, moratoria, weather and classes "
    "of reasons bind nobody; set switching.rules_dir"};
inline constexpr Message kSwitchingSends{"SWITCHING_SENDS", Level::Info,
                                         "whether this gateway is the one that sends switch commands has changed"};
inline constexpr Message kSwitchUnresolved{
    "SWITCH_UNRESOLVED", Level::Warn,
    "what a meter's switch does is not known: find out, and resolve the operation; amictl switch show"};
inline constexpr Message kSwitchIncident{
    "SWITCH_INCIDENT", Level::Error,
    "what a meter's switch does has not been known for a day: somebody has to go and look, then resolve it"};
inline constexpr Message kSwitchContradicted{
    "SWITCH_CONTRADICTED", Level::Error,
    "what was said of a switch is not so: find out what the meter does, then resolve the operation"};
inline constexpr Message kSwitchEnergyWhileOpen{
    "SWITCH_ENERGY_WHILE_OPEN", Level::Error,
    "energy flowed through a switch that was opened: treat it as a safety event and send somebody"};
inline constexpr Message kSwitchLatentClose{
    "SWITCH_LATENT_CLOSE", Level::Error,
    "a meter that refused to close may close by itself when the voltage behind it goes: warn whoever is there"};
inline constexpr Message kSwitchArmNotEnded{
    "SWITCH_ARM_NOT_ENDED", Level::Warn,
    "a meter was armed, and nobody said whether the customer closed it: ask, then resolve the operation"};
inline constexpr Message kSwitchDefect{
    "SWITCH_DEFECT", Level::Error,
    "a far side or an adapter answered a switch command wrongly, perhaps for another meter: find out what was "
    "switched, and report it with words"};
inline constexpr Message kSwitchAdapterDefect{
    "SWITCH_ADAPTER_DEFECT", Level::Error,
    "an adapter did not keep to its contract in a switch command: find out what the meter does, and report it"};
inline constexpr Message kSwitchAnswerStray{
    "SWITCH_ANSWER_STRAY", Level::Warn,
    "an answer came to a switch command that is not in the book: look whether another gateway uses this feed"};
inline constexpr Message kSwitchFinding{
    "SWITCH_FINDING", Level::Warn,
    "a service switch is not where it is meant to be, or is open and nobody here asked for it: find out why; nothing "
    "is corrected by itself; amictl switch differences"};
inline constexpr Message kSwitchFindingEnergy{
    "SWITCH_FINDING_ENERGY", Level::Error,
    "energy flowed through a switch that is meant to be open: treat it as a safety event and send somebody"};
inline constexpr Message kSwitchCompared{"SWITCH_COMPARED", Level::Info,
                                         "where switches are meant to be was compared with what was told of them"};
inline constexpr Message kSwitchAftercareFailed{
    "SWITCH_AFTERCARE_FAILED", Level::Warn,
    "stored evidence of switches could not be looked at, or not compared, and is tried again by itself: look at the "
    "database if this lasts"};
inline constexpr Message kSwitchRefusalNotKept{
    "SWITCH_REFUSAL_NOT_KEPT", Level::Error,
    "a refused switch request could not be written down; it was refused all the same: look at the database"};

inline constexpr Message kMaintenanceDone{
    "MAINTENANCE_DONE", Level::Info,
    "the nightly maintenance of the database has run; what it did: amictl maintenance"};
inline constexpr Message kMaintenanceElsewhere{
    "MAINTENANCE_ELSEWHERE", Level::Info, "another gateway is at the nightly maintenance; nothing to do here"};
inline constexpr Message kMaintenanceFailed{
    "MAINTENANCE_FAILED", Level::Error,
    "a part of the nightly maintenance failed and is tried again the next night: act on what error says"};

inline constexpr Message kSwitchAuditContradicted{
    "SWITCH_AUDIT_CONTRADICTED", Level::Error,
    "the sealed audit of the service switch is not what it was: somebody cut off or rewrote its end, or the database "
    "was set back. Nothing is sealed nor signed any more, switching goes on: amictl audit verify, then docs/audit.md"};
inline constexpr Message kSwitchAuditNoHead{
    "SWITCH_AUDIT_NO_HEAD", Level::Error,
    "no signed head of the switch audit can be kept, so a cut-off end could not be proved: act on what error says; "
    "sealing and switching go on"};
inline constexpr Message kSwitchAuditLate{
    "SWITCH_AUDIT_LATE", Level::Warn,
    "lines of the switch audit wait to be sealed for longer than a minute: look whether a gateway is sealing"};
inline constexpr Message kSwitchAuditHeadKept{
    "SWITCH_AUDIT_HEAD_KEPT", Level::Info,
    "a signed head of the switch audit was written; copy it to where nobody of this site can change it"};

inline constexpr Message kHttpListening{"HTTP_LISTENING", Level::Info,
                                        "metrics and health are served at this address"};
inline constexpr Message kHttpRefused{
    "HTTP_REFUSED", Level::Debug,
    "an HTTP connection was turned away: too many at once, too slow or malformed"};
inline constexpr Message kRpcListening{"RPC_LISTENING", Level::Info,
                                       "gRPC calls are accepted at these addresses"};
inline constexpr Message kRpcDemo{
    "RPC_DEMO", Level::Warn,
    "gRPC without TLS is open on loopback because the configuration says demo: never do this at a site"};

inline constexpr Message kRpcAccess{
    "RPC_ACCESS", Level::Info,
    "customers' intervals or raw records were read by this caller for this purpose"};
inline constexpr Message kRpcRefused{
    "RPC_REFUSED", Level::Warn,
    "a caller was refused: if it should be allowed, give its certificate the role and utility that it needs"};
inline constexpr Message kRpcDefect{"RPC_DEFECT", Level::Error,
                                    "a call failed through a defect of the gateway: report it with error"};

}  // namespace ami::daemon::messages
