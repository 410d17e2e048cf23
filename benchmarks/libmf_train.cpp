// Trains libmf (mf.h of the package `libmf`) on a text file and prints when each thing was done.
//   libmf_train TRAIN TEST MODEL DIM ITERATIONS THREADS LAMBDA ETA
// An empty TEST trains quietly: libmf then spends no time on its loss and on a validation rmse.
#include <chrono>
#include <iostream>
#include <string>

#include "mf.h"

int main(int argc, char **argv)
{
    if (argc != 9)
        return 2;
    auto begin = std::chrono::steady_clock::now();
    auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    mf::mf_parameter parameter = mf::mf_get_default_param();
    parameter.k = std::stoi(argv[4]);
    parameter.nr_iters = std::stoi(argv[5]);
    parameter.nr_threads = std::stoi(argv[6]);
    parameter.lambda_p2 = parameter.lambda_q2 = std::stof(argv[7]);
    parameter.eta = std::stof(argv[8]);
    parameter.copy_data = false;
    parameter.quiet = std::string(argv[2]).empty();
    mf::mf_problem train = mf::read_problem(argv[1]);
    mf::mf_problem test = mf::read_problem(argv[2]);
    std::cout << "read " << seconds() << std::endl;
    mf::mf_model *model = mf::mf_train_with_validation(&train, &test, parameter);
    std::cout << "trained " << seconds() << std::endl;
    if (mf::mf_save_model(model, argv[3]) != 0)
        return 1;
    std::cout << "saved " << seconds() << std::endl;
    std::cout << "rmse " << mf::calc_rmse(&test, model) << std::endl;
    return 0;
}
